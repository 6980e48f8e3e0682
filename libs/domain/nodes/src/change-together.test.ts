import { noHints } from "@veil/events/testing";
import { expect, it } from "vitest";
import { InMemoryFleet, someNode } from "../test/index.ts";
import { drained, nodeOf } from "./change-fleet.ts";
import { changeTogether, type FleetDecision } from "./change-together.ts";

const stamp = { now: 1_800_000_000_000, actor: { name: "shop", address: null, requestId: "r-1" } };

function noting(note: string): FleetDecision {
  return ({ nodes }) => ({ nodes: nodes.map((node) => ({ ...node, note: `${node.note ?? ""}${note}` })) });
}

function draining(job: string, isDrained: boolean): FleetDecision {
  return (fleet) => {
    const end = drained(fleet, "a", isDrained, { ...stamp, job });
    return end.outcome === "changed" ? end : null;
  };
}

it("stores all by one write, each on what those before it made", async () => {
  const store = new InMemoryFleet({ revision: 1, nodes: [someNode("a")], hosts: [] });
  expect(await changeTogether(store, [noting("1"), () => null, noting("2")], noHints)).toEqual([true, false, true]);
  expect(await store.read()).toMatchObject({ revision: 2, nodes: [{ note: "12" }] });
});

it("makes all anew when somebody else was first", async () => {
  const store = new InMemoryFleet({ revision: 1, nodes: [someNode("a")], hosts: [] });
  let steps = 0;
  store.beforeStep = async () => {
    steps += 1;
    // Between the read and the write.
    if (steps === 2) await changeTogether(store, [noting("x")], noHints);
  };
  expect(await changeTogether(store, [noting("1"), noting("2")], noHints)).toEqual([true, true]);
  expect(await store.read()).toMatchObject({ revision: 3, nodes: [{ note: "x12" }] });
});

it("changes nothing where nothing is stored", async () => {
  expect(await changeTogether(new InMemoryFleet(), [noting("1")], noHints)).toEqual([false]);
});

it("keeps each event of a node that is drained, shown and drained again", async () => {
  const store = new InMemoryFleet({ revision: 1, nodes: [someNode("a")], hosts: [] });
  const decisions = [draining("1", true), draining("2", false), draining("3", true)];
  expect(await changeTogether(store, decisions, noHints)).toEqual([true, true, true]);
  const fleet = await store.read();
  expect(fleet).toMatchObject({ revision: 3, nodes: [{ state: "draining" }] });
  expect(fleet === null ? null : nodeOf(fleet, "a")?.jobs).toEqual(["1", "2", "3"]);
  expect((await store.pending()).map(({ id }) => id)).toEqual(["drained-2-a", "drained-3-a"]);
});
