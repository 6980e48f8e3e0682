import { expect, it } from "vitest";
import { applyUpdate, updateOf } from "./ledger-update.ts";
import { totals } from "./ledger-view.ts";
import { type Known, knownOf, observe } from "./observe.ts";
import type { TrafficRecord } from "./traffic-record.ts";

const ENTITY = "7";
const MAIN = { node: "main", epoch: 1_700_000_000 };

/** Reads and writes at once, as one collector with nobody beside it does. */
function read(record: TrafficRecord | null, counters: { up?: number; down?: number }, of = MAIN): TrafficRecord | null {
  return write(record, knownOf(record, of.node, of.epoch), counters, of);
}

function write(
  record: TrafficRecord | null,
  known: Known,
  counters: { up?: number; down?: number },
  of = MAIN,
): TrafficRecord | null {
  const observation = observe(known, { ...of, ...counters });
  return observation === null ? record : applyUpdate(record, updateOf(ENTITY, [observation], 1));
}

function totalOf(record: TrafficRecord | null): { up: number; down: number } {
  if (record === null) throw new Error("nothing was written");
  return totals(record);
}

it("takes the first reading as it is", () => {
  expect(totalOf(read(null, { up: 10, down: 200 }))).toEqual({ up: 10, down: 200 });
});

it("has nothing to write for counters that stand at zero, do not exist, or have not moved", () => {
  expect(observe(knownOf(null, "main", 1), { ...MAIN, up: 0, down: 0 })).toBeNull();
  expect(observe(knownOf(null, "main", 1), MAIN)).toBeNull();
  const record = read(null, { up: 10 });
  expect(observe(knownOf(record, MAIN.node, MAIN.epoch), { ...MAIN, up: 10, down: 0 })).toBeNull();
});

it("names only the direction that moved", () => {
  const known = knownOf(read(null, { up: 10, down: 20 }), MAIN.node, MAIN.epoch);
  expect(observe(known, { ...MAIN, up: 10, down: 25 })?.raise).toEqual({ "main:1700000000:0": { down: 25 } });
});

it("writing the same observation again changes nothing", () => {
  const observation = observe(knownOf(null, MAIN.node, MAIN.epoch), { ...MAIN, up: 10, down: 20 });
  const once = applyUpdate(null, updateOf(ENTITY, [observation], 1));
  expect(totals(applyUpdate(once, updateOf(ENTITY, [observation], 1)))).toEqual(totals(once));
});

it("adds up the epochs of a node and the nodes", () => {
  const record = read(null, { up: 10, down: 20 });
  const restarted = read(record, { up: 3, down: 4 }, { node: "main", epoch: MAIN.epoch + 1 });
  expect(totalOf(read(restarted, { up: 100 }, { node: "second", epoch: 5 }))).toEqual({ up: 113, down: 24 });
});

it("keeps what a slow collector writes about a life that is over", () => {
  const slow = knownOf(null, MAIN.node, MAIN.epoch);
  const record = read(null, { up: 3 }, { node: "main", epoch: MAIN.epoch + 1 });
  expect(totalOf(write(record, slow, { up: 50 }))).toEqual({ up: 53, down: 0 });
});

it("begins a generation for the one direction that was reset, when they are reset one by one", () => {
  const before = read(null, { up: 100, down: 1_000 });
  const between = read(before, { up: 5, down: 1_010 });
  expect(totalOf(between)).toEqual({ up: 105, down: 1_010 });
  expect(totalOf(read(between, { up: 6, down: 7 }))).toEqual({ up: 106, down: 1_017 });
});

it("counts on through several counter resets, also to exactly zero", () => {
  let record = read(null, { up: 100 });
  for (const up of [0, 40, 10, 10, 60, 5]) record = read(record, { up });
  expect(totalOf(record)).toEqual({ up: 100 + 40 + 60 + 5, down: 0 });
});

it("is not deceived by overlapping collectors: what is below a newer value but not below the ledger has not fallen", () => {
  const record = read(null, { up: 100 });
  const slow = knownOf(record, MAIN.node, MAIN.epoch);
  const raised = read(record, { up: 200 });
  expect(totalOf(write(raised, slow, { up: 150 }))).toEqual({ up: 200, down: 0 });
});

it("of two collectors that see the same counter reset, one begins the generation", () => {
  const record = read(null, { up: 100 });
  const known = knownOf(record, MAIN.node, MAIN.epoch);
  const once = write(record, known, { up: 5 });
  const twice = write(once, known, { up: 8 });
  expect(totalOf(twice)).toEqual({ up: 105, down: 0 });
  expect(totalOf(read(twice, { up: 8 }))).toEqual({ up: 108, down: 0 });
});

it("counts once when a counter reset is missed by one collector and seen by another", () => {
  const record = read(null, { up: 50 });
  const known = knownOf(record, MAIN.node, MAIN.epoch);
  // Reset by somebody else; one collector reads 5, the other one later 200, which is no counter reset to it.
  const missed = write(record, known, { up: 200 });
  const seen = write(missed, known, { up: 5 });
  expect(totalOf(read(seen, { up: 210 }))).toEqual({ up: 50 + 210, down: 0 });
});

it("what is known stays usable as a lower bound: a value above it is written, and a closed generation takes no more", () => {
  const old = knownOf(read(null, { up: 50 }), MAIN.node, MAIN.epoch);
  const afterReset = read(read(null, { up: 50 }), { up: 10 });
  expect(totalOf(write(afterReset, old, { up: 60 }))).toEqual({ up: 60, down: 0 });
});

it("tells what the ledger holds once it is written", () => {
  const known = knownOf(read(null, { up: 10, down: 20 }), MAIN.node, MAIN.epoch);
  expect(observe(known, { ...MAIN, up: 11, down: 20 })?.known).toEqual({
    isNew: false,
    version: 0,
    up: { generation: 0, value: 11, multiplier: 1 },
    down: { generation: 0, value: 20, multiplier: 1 },
  });
});

it("counter resets on two nodes read together follow each other", () => {
  const second = { node: "second", epoch: 5 };
  const record = read(read(null, { up: 100 }), { up: 70 }, second);
  const afterReset = [MAIN, second].map((of) => observe(knownOf(record, of.node, of.epoch), { ...of, up: 1 }));
  const after = applyUpdate(record, updateOf(ENTITY, afterReset, 1));
  expect(totals(after)).toEqual({ up: 172, down: 0 });
});
