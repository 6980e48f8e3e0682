import { expect, test } from "vitest";
import { StoreUnavailableError } from "./errors.ts";
import { type NodeState, type NodeStates, noteNodeStates } from "./node-states.ts";

function rig() {
  const stored = new Map<string, NodeState>();
  const seen = new Map([["a", { seenAt: 1_000, failedAt: null as number | null }]]);
  const expected: string[] = [];
  const unreadable = new Set<string>();
  const states: NodeStates = {
    find: async (nodes) => [...stored.values()].filter(({ node }) => nodes.includes(node)),
    names: async () => [...stored.keys(), ...unreadable],
    raise: async (state) => void stored.set(state.node, state),
    mark: async () => undefined,
    remove: async (nodes) => nodes.forEach((node) => stored.delete(node)),
  };
  const note = (now: number) =>
    noteNodeStates(
      ["a", "b"],
      { sightings: { list: async () => seen }, states },
      async (node) => {
        expected.push(node);
        return () => void expected.push(`${node} is stored`);
      },
      now,
    );
  return { stored, seen, note, expected, unreadable, states };
}

test("a node that goes down and comes back is noted once each, one that is up at first is not", async () => {
  const { stored, seen, note, expected } = rig();
  await note(2_000);
  expect(stored.size).toBe(0);
  seen.set("a", { seenAt: 1_000, failedAt: 9_000 });
  await note(9_000);
  await note(10_000);
  seen.set("a", { seenAt: 12_000, failedAt: 9_000 });
  await note(12_500);
  await note(13_000);
  expect(stored.get("a")).toEqual({
    node: "a",
    revision: 2,
    isDown: false,
    outbox: [
      { id: "a-1", isDown: true, at: 9 },
      { id: "a-2", isDown: false, at: 12 },
    ],
  });
  expect(expected).toEqual(["a", "a is stored", "a", "a is stored"]);
});

test("a node whose state makes no sense is left as it is, and keeps no other from being noted", async () => {
  const { stored, seen, note, unreadable } = rig();
  unreadable.add("a");
  for (const node of ["a", "b"]) seen.set(node, { seenAt: 1_000, failedAt: 9_000 });
  await note(9_000);
  expect([...stored.keys()]).toEqual(["b"]);
});

test("a node of which the store takes no change keeps no other from being noted, and is an error in the end", async () => {
  const { stored, seen, note, states } = rig();
  for (const node of ["a", "b"]) seen.set(node, { seenAt: 1_000, failedAt: 9_000 });
  const { raise } = states;
  let error: Error = new Error("node_states: the document a can't be changed");
  states.raise = async (state) => {
    if (state.node === "a") throw error;
    return raise(state);
  };
  await expect(note(9_000)).rejects.toThrow("can't be changed");
  expect([...stored.keys()]).toEqual(["b"]);
  stored.clear();
  error = new StoreUnavailableError(new Error("away"));
  await expect(note(9_000)).rejects.toThrow(StoreUnavailableError);
  expect(stored.size).toBe(0);
});

test("a node of which what was reported is removed never has the id of a change again", async () => {
  const { stored, seen, note } = rig();
  const ids: string[] = [];
  for (let times = 0; times < 3; times += 1) {
    const now = 1_800_000_000_000 + times * 86_400_000;
    for (const failedAt of [now, null]) {
      seen.set("a", { seenAt: now - 60_000, failedAt });
      await note(now);
    }
    ids.push(...(stored.get("a")?.outbox ?? []).map(({ id }) => id));
    stored.delete("a");
  }
  expect([ids.length, new Set(ids).size]).toEqual([6, 6]);
});
