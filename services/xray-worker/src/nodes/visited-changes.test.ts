import { noHints } from "@veil/events/testing";
import { InMemoryFleet, someNode } from "@veil/nodes/testing";
import type { Redis } from "@veil/redis";
import { createLogger, ManualClock } from "@veil/runtime";
import { expect, it } from "vitest";
import { fleetChanger } from "./fleet-changes.ts";
import { type ChangeNodePorts, changeNode, enterNode } from "./visited-changes.ts";

const NOW = 1_800_000_000_000;
const attempt = (number: number) => ({
  job: `node-once-0123456789abcdef0123456789abcdef01234567-${number}`,
  deadline: NOW + 8_000,
});
const anotherWrite = { ...attempt(1), job: "another" };

const AGREES = {
  processAt: async () => null,
  leftBehind: async () => 0,
  certificates: { fault: () => null },
  inboundFault: async () => null,
} satisfies Partial<ChangeNodePorts>;

/** Each visit would find a reason against the change by now. */
const DISAGREES = {
  processAt: async () => "b",
  leftBehind: async () => 1,
  certificates: { fault: () => "the certificate has expired" },
  inboundFault: async () => "it has no such inbound",
} satisfies Partial<ChangeNodePorts>;

function ports(store: InMemoryFleet, visits: typeof AGREES | typeof DISAGREES): ChangeNodePorts {
  return {
    ...{ store, prefix: "test", clock: new ManualClock(NOW), change: fleetChanger(store, noHints) },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody listens
    redis: {} as Redis,
    log: createLogger({ service: "test", version: "0", level: "silent" }),
    ...visits,
  };
}

const tls = { caFile: "ca.pem", certificateFile: "api.pem", keyFile: "api.key", serverName: "b.example.com" };

it("does not visit a node that another attempt of the write has entered", async () => {
  const store = new InMemoryFleet({ revision: 1, nodes: [], hosts: [] });
  const node = someNode("b", { tls });
  expect(await enterNode(node, attempt(1), ports(store, AGREES))).toEqual({ outcome: "changed" });
  const again = ports(store, DISAGREES);
  expect(await enterNode(node, attempt(2), again)).toEqual({ outcome: "changed" });
  expect(await enterNode(node, anotherWrite, again)).toMatchObject({
    outcome: "taken",
    detail: "the name b is taken",
  });
});

it("does not visit a node that another attempt of the write has changed", async () => {
  const store = new InMemoryFleet({ revision: 1, nodes: [someNode("b")], hosts: [] });
  const change = { address: "10.0.0.9:8080", tls };
  expect(await changeNode("b", change, attempt(1), ports(store, AGREES))).toEqual({
    outcome: "changed",
  });
  const again = ports(store, DISAGREES);
  expect(await changeNode("b", change, attempt(2), again)).toEqual({ outcome: "changed" });
  expect(await changeNode("b", change, anotherWrite, again)).toMatchObject({
    outcome: "refused",
    detail: "tls: the certificate has expired",
  });
});
