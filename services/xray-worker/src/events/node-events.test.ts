import { type NodeState, type NodeStates, StoreUnavailableError } from "@veil/keys";
import { beforeEach, expect, test } from "vitest";
import { nodeEvents } from "./node-events.ts";

/** Of a node that is not in the fleet any more. */
const GONE: NodeState = {
  node: "eu-1",
  revision: 3,
  isDown: true,
  outbox: [
    { id: "eu-1-2", isDown: false, at: 1_700_000_000 },
    { id: "eu-1-3", isDown: true, at: 1_700_000_060 },
  ],
};

let marked: [string, readonly string[]][];
let states: NodeStates;
beforeEach(() => {
  marked = [];
  states = {
    find: async (nodes) => [GONE].filter(({ node }) => nodes.includes(node)),
    names: async () => [GONE.node],
    raise: async () => undefined,
    mark: async (node, ids) => void marked.push([node, ids]),
    remove: async () => undefined,
  };
});

test("what was noted of a node is logged after the node has gone, hinted at or not", async () => {
  const outbox = nodeEvents(states);
  const subjects: string[] = [];
  for await (const some of outbox.subjects()) subjects.push(...some);
  expect(subjects).toEqual(["node:eu-1"]);
  const events = await outbox.pending(["key:7", "node:eu-1", "node:eu-2"]);
  expect(events.map(({ type, data }) => [type, data])).toEqual([
    ["node.up", { node: "eu-1" }],
    ["node.down", { node: "eu-1" }],
  ]);
  await outbox.mark(events);
  expect(marked).toEqual([
    ["eu-1", ["node:eu-1-2"]],
    ["eu-1", ["node:eu-1-3"]],
  ]);
});

test("asks for no node where none is named", async () => {
  states = { ...states, find: () => Promise.reject(new Error("asked")) };
  expect(await nodeEvents(states).pending(["key:7"])).toEqual([]);
});

test("a state that takes no mark keeps no other event from being marked, and is logged once", async () => {
  const { mark } = states;
  states.mark = async (node, ids) => {
    if (ids.includes("node:eu-1-2")) throw new Error("node_states: the document eu-1 can't be changed");
    return mark(node, ids);
  };
  const outbox = nodeEvents(states);
  const events = await outbox.pending(["node:eu-1"]);
  await outbox.mark(events);
  expect(marked).toEqual([["eu-1", ["node:eu-1-3"]]]);
  expect((await outbox.pending(["node:eu-1"])).map(({ id }) => id)).toEqual(["node:eu-1-3"]);
  states.mark = () => Promise.reject(new StoreUnavailableError(new Error("away")));
  await expect(outbox.mark(events)).rejects.toThrow(StoreUnavailableError);
});
