import type { NodeSighting, NodeState } from "@veil/keys";
import type { Fleet } from "@veil/nodes";
import { someInbound, someNode } from "@veil/nodes/testing";
import { expect, it } from "vitest";
import { removeForgotten } from "./forgotten-places.ts";

const SEEN: NodeSighting = { seenAt: 1, failedAt: null };
const CHANGE = { id: "unlogged-1", isDown: true, at: 1 };

function rig(fleet: Fleet | null) {
  const removed: string[] = [];
  const names = ["eu-1", "eu-1/more", "eu-1/gone", "newer", "newer/more", "away", "gone", "unlogged"];
  const states = names.map((node): NodeState => {
    return { node, revision: 1, isDown: true, outbox: node === "unlogged" ? [CHANGE] : [] };
  });
  const ports = {
    fleet: { read: async () => fleet },
    sightings: { list: async () => new Map([["away", SEEN]]) },
    inbounds: { names: async () => names, remove: async (places: readonly string[]) => void removed.push(...places) },
    nodeStates: {
      names: async () => names,
      find: async (nodes: readonly string[]) => states.filter(({ node }) => nodes.includes(node)),
      remove: async (nodes: readonly string[]) => void removed.push(...nodes.map((node) => `state of ${node}`)),
    },
  };
  return { ports, removed };
}

const nodes = [someNode("eu-1", { inbounds: [someInbound("vless-in"), someInbound("more")] })];

it("removes what is kept of places that are gone, and that nobody saw for a month", async () => {
  const { ports, removed } = rig({ revision: 1, nodes, hosts: [], unreadable: { nodes: ["newer"], hosts: [] } });
  expect(await removeForgotten(ports)).toBe(5);
  const gone = ["eu-1/gone", "gone", "unlogged"];
  expect(removed).toEqual([...gone, "state of eu-1/gone", "state of gone"]);
});

it("removes nothing while no fleet is known", async () => {
  const { ports, removed } = rig(null);
  expect([await removeForgotten(ports), removed]).toEqual([0, []]);
});
