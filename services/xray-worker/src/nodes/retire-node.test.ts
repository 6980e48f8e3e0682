import { noHints } from "@veil/events/testing";
import { changeFleet, drained } from "@veil/nodes";
import { InMemoryFleet, someNode } from "@veil/nodes/testing";
import type { Redis } from "@veil/redis";
import { createLogger } from "@veil/runtime";
import { describe, expect, it } from "vitest";
import { fleetChanger } from "./fleet-changes.ts";
import { retireNode, type RetireNodePorts } from "./retire-node.ts";

const NOW = 1_800_000_000_000;
const DEADLINE = NOW + 9_000;

/** A node without inbounds that takes its time. */
function retiring(
  ports: Partial<Pick<RetireNodePorts, "readLast">> & { readonly meanwhile?: () => Promise<void> } = {},
) {
  const store = new InMemoryFleet({ revision: 1, nodes: [someNode("a", { origin: "api" })], hosts: [] });
  let now = NOW;
  const clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async (ms: number) => {
      now += ms;
      await ports.meanwhile?.();
    },
  };
  const retire = () =>
    retireNode(
      { name: "a", force: true, deadline: DEADLINE, requestId: "r", job: "delete-1", redelivered: false },
      {
        ...{ store, prefix: "test", clock, change: fleetChanger(store, noHints) },
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody listens
        redis: {} as Redis,
        log: createLogger({ service: "test", version: "0", level: "silent" }),
        leave: () => ({ answers: async () => true, isInFile: false, places: [], close: () => undefined }),
        readLast: ports.readLast ?? (async () => true),
      },
    );
  const state = async () => (await store.read())?.nodes[0]?.state;
  return { store, retire, state, passes: (ms: number) => void (now += ms) };
}

describe("a node that is deleted", () => {
  it("is gone once it is emptied and read", async () => {
    const { retire, state } = retiring();
    expect(await retire()).toEqual({ outcome: "deleted" });
    expect(await state()).toBeUndefined();
    expect(await retire()).toEqual({ outcome: "not-found" });
  });

  it("stays where somebody shows it again meanwhile, which is no deletion", async () => {
    const meanwhile = async () => {
      const actor = { name: "shop", address: null, requestId: "r" };
      const undrain = { job: "undrain-1", now: NOW, actor };
      await changeFleet(
        store,
        (fleet) => {
          const change = drained(fleet, "a", false, undrain);
          return change.outcome === "changed" ? change : null;
        },
        noHints,
      );
    };
    const { store, retire, state } = retiring({ meanwhile });
    expect(await retire()).toEqual({ outcome: "unavailable", detail: "node a was shown again meanwhile" });
    expect(await state()).toBe("joining");
  });

  it("does not go after its time is over: what was answered then holds", async () => {
    const { retire, state, passes } = retiring({
      readLast: async () => {
        passes(6_001);
        return false;
      },
    });
    expect(await retire()).toEqual({ outcome: "failed", detail: "timed out" });
    expect(await state()).toBe("disabled");
  });

  it("is not begun after its time", async () => {
    const { retire, state, passes } = retiring();
    passes(DEADLINE - NOW + 1);
    expect(await retire()).toEqual({ outcome: "failed", detail: "timed out" });
    expect(await state()).toBe("active");
  });

  it("goes by force in time where nobody reads its last bytes", async () => {
    const { retire, state, passes } = retiring({
      readLast: async (_name, { deadline }) => {
        passes(deadline - NOW - 3_000);
        return false;
      },
    });
    expect(await retire()).toEqual({ outcome: "deleted" });
    expect(await state()).toBeUndefined();
  });
});
