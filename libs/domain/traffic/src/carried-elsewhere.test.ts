import { expect, it } from "vitest";
import { carriedElsewhere } from "./carried-elsewhere.ts";
import { applyUpdate, updateOf } from "./ledger-update.ts";
import { totals } from "./ledger-view.ts";
import { knownOf, observe } from "./observe.ts";
import { emptyRecord, type TrafficRecord } from "./traffic-record.ts";

const life = { node: "old", epoch: 5 };

function read(record: TrafficRecord | null, up: number, of = life): TrafficRecord {
  const observation = observe(knownOf(record, of.node, of.epoch), { ...of, up, down: 2 * up });
  return applyUpdate(record, updateOf("node/new", [observation], 1));
}

it("leaves out what a life has carried under another name, and counts what it carries from then on", () => {
  const record = read(null, 7, { node: "new", epoch: 1 });
  const after = carriedElsewhere(record, life, [read(null, 100)]);
  expect(after && totals(after)).toEqual({ up: 7, down: 14 });
  expect(after && totals(read(after, 130))).toEqual({ up: 37, down: 74 });
});

it("keeps what the record has counted of that life itself, and leaves out only what came after it elsewhere", () => {
  const after = carriedElsewhere(read(null, 40), life, [read(null, 60), read(null, 100)]);
  expect(after && totals(after)).toEqual({ up: 40, down: 80 });
  expect(after && totals(read(after, 130))).toEqual({ up: 70, down: 140 });
});

it("does not change a record that has counted as far, so that a repetition changes nothing", () => {
  const once = carriedElsewhere(emptyRecord("node/new"), life, [read(null, 100)]);
  expect(once && carriedElsewhere(once, life, [read(null, 100)])).toBeNull();
  expect(carriedElsewhere(read(null, 130), life, [read(null, 100)])).toBeNull();
  expect(carriedElsewhere(read(null, 130), life, [])).toBeNull();
});

it("goes on in the generation that the other name came to", () => {
  const afterReset = read(read(null, 100), 10);
  const after = carriedElsewhere(emptyRecord("node/new"), life, [afterReset]);
  expect(after && totals(read(after, 15))).toEqual({ up: 5, down: 10 });
});

it("leaves the rest of the record as it counts", () => {
  const record = read(read(null, 50, { node: "old", epoch: 4 }), 9, { node: "new", epoch: 8 });
  const after = carriedElsewhere(record, life, [read(null, 100)]);
  expect(after && totals(after)).toEqual({ up: 59, down: 118 });
  expect(after && totals(read(after, 12, { node: "new", epoch: 8 }))).toEqual({ up: 62, down: 124 });
});
