import type { DesiredState, DesiredUser, LifecyclePorts } from "@veil/keys";
import { expect, test } from "vitest";
import type { ActualUser } from "./diff-users.ts";
import { type ReconciledNode, reconcileNode } from "./reconcile-node.ts";

const uuidOf = (keyId: number) => `00000000-0000-4000-8000-${String(keyId).padStart(12, "0")}`;

function actual(count: number): ActualUser[] {
  return Array.from({ length: count }, (_, index) => ({
    email: `${index + 1}@veil`,
    keyId: index + 1,
    account: { protocol: "vless", uuid: uuidOf(index + 1), flow: "" },
  }));
}

function desired(count: number): ReadonlyMap<number, DesiredUser> {
  return new Map(
    actual(count).map(({ keyId }) => [
      keyId ?? 0,
      { keyId: keyId ?? 0, uuid: uuidOf(keyId ?? 0), flow: "", indeterminate: [] },
    ]),
  );
}

/** A node that shows so many users at each look, the last number from then on, and counts its rebuilds. */
function nodeThatShows(...looks: number[]) {
  let rebuilds = 0;
  const refuse = () => Promise.reject(new Error("not expected"));
  const node: ReconciledNode = {
    name: "main",
    reachable: true,
    add: refuse,
    remove: refuse,
    list: async () => {
      const users = actual((looks.length > 1 ? looks.shift() : looks[0]) ?? 0);
      return {
        state: "sound",
        users,
        rebuild: async (state) => {
          rebuilds += 1;
          return state.findDesired();
        },
      };
    },
  };
  return { node, rebuilds: () => rebuilds };
}

function stateOf(count: number): DesiredState {
  return {
    findCreating: async () => [],
    findDesired: async () => desired(count),
    hasDesired: async (atLeast) => count >= atLeast,
  };
}

// Nothing is to be added, removed or stored one by one in these tests.
const noPorts = {} as LifecyclePorts;

test("keys that were made while the state was read are no drift, however many", async () => {
  const { node, rebuilds } = nodeThatShows(1, 800);
  const { drift } = await reconcileNode(node, stateOf(800), noPorts);
  expect(drift.missing).toEqual([]);
  expect(rebuilds()).toBe(0);
});

test("a node that lacks hundreds of users at a second look as well is rebuilt", async () => {
  const { node, rebuilds } = nodeThatShows(1, 1, 800);
  const { drift } = await reconcileNode(node, stateOf(800), noPorts);
  expect(drift.missing).toHaveLength(799);
  expect(rebuilds()).toBe(1);
});

test("a node that lost all its users is rebuilt at once", async () => {
  const { node, rebuilds } = nodeThatShows(0, 800);
  const { drift } = await reconcileNode(node, stateOf(800), noPorts);
  expect(drift.missing).toHaveLength(800);
  expect(rebuilds()).toBe(1);
});
