import { describe, expect, it } from "vitest";
import { type FoundEndpoint, foundNodes } from "./found-nodes.ts";

const endpoint = (more: Partial<FoundEndpoint>): FoundEndpoint => ({
  ...{ address: "10.0.0.1:10443", isReady: true, hostname: null, machine: null, pod: null },
  ...more,
});
const nameOf = (more: Partial<FoundEndpoint>) => [...foundNodes([endpoint(more)]).keys()][0];

describe("a node that is found", () => {
  it("has the name of what outlives its pod: a host name of its own, or else its machine", () => {
    const pod = "xray-x7k2p";
    expect(nameOf({ hostname: "xray-0", machine: "worker-1", pod })).toBe("xray-0");
    expect(nameOf({ machine: "worker-1", pod })).toBe("worker-1");
    expect(nameOf({ pod })).toBe("10-0-0-1-f50473");
  });

  it("has a name that nodes may have, and that no other machine has", () => {
    const names = [
      ...["ip-10-0-1-2.eu-west-1.compute.internal", "ip-10-0-1-2.eu-west-1.compute.example"],
      ...["worker.1", "worker-1", "Worker-1", `${"a".repeat(24)}-${"b".repeat(9)}`],
    ].map((machine) => nameOf({ machine }) ?? "");
    expect(names.filter((name) => !/^[a-z0-9-]{1,32}$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    expect(names.slice(2, 4)).toEqual([expect.stringMatching(/^worker-1-[0-9a-f]{6}$/), "worker-1"]);
  });

  it("is where it is ready, IPv4 first, and nowhere while it is not", () => {
    const machine = "a";
    const found = foundNodes([
      endpoint({ machine, pod: "old", address: "10.0.0.9:1", isReady: false }),
      endpoint({ machine, pod: "new", address: "[fd00::1]:1" }),
      endpoint({ machine, pod: "new", address: "10.0.0.1:1" }),
      endpoint({ machine: "b", isReady: false }),
    ]);
    expect(found.get("a")).toEqual({ addresses: ["10.0.0.1:1", "[fd00::1]:1"], pods: ["new"] });
    expect(found.get("b")).toEqual({ addresses: [], pods: [] });
  });

  it("is nowhere while one of its pod's two families is behind, and where it is while two slices have it", () => {
    const of = (more: Partial<FoundEndpoint>) => endpoint({ machine: "a", pod: "one", ...more });
    const six = of({ address: "[fd00::1]:1" });
    expect(foundNodes([of({ isReady: false }), six]).get("a")?.addresses).toEqual([]);
    expect(foundNodes([of({}), of({ isReady: false }), six]).get("a")?.addresses).toHaveLength(2);
    const unnamed = [endpoint({ machine: "a", isReady: false }), endpoint({ machine: "a", address: "10.0.0.2:1" })];
    expect(foundNodes(unnamed).get("a")?.addresses).toEqual(["10.0.0.2:1"]);
  });
});
