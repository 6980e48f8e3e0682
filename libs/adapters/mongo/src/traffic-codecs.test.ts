import { emptyRecord, type TrafficRecord } from "@veil/traffic";
import { expect, it } from "vitest";
import { livesDocument, toFields, toLives, toLivesDocument, toRecord, trafficDocument } from "./traffic-codecs.ts";

const AT_NODE = { epoch: 7, up: { generation: 1, value: 5 }, down: { generation: 0, value: 9 } };

/** Stored as it is: no release before 1.5 knows it, and each leaves a record alone that has it. */
const MULTIPLIED = {
  ...({ kind: "multiplier-change", version: 5, node: "main", epoch: 7, direction: "down" } as const),
  ...{ generation: 1, from: 9, multiplier: 0.5, first: 12 },
};

const RECORD: TrafficRecord = {
  ...emptyRecord("7"),
  ...{ readAt: 30, countedAt: 20, firstCountedAt: 10, historyFrom: { up: 3, down: 4 } },
  folded: { up: 5, down: 9 },
  baseline: { main: AT_NODE },
  log: [
    {
      ...{ kind: "counter-reset", version: 3, node: "main", epoch: 7, direction: "up" },
      ...{ generation: 2, closedAt: 11, first: 4 },
    },
    { kind: "reset", version: 4, job: "reset-1", at: 8, baseline: { main: AT_NODE }, previous: { up: 1, down: 2 } },
    MULTIPLIED,
  ],
};

/** As every release since 1.0 reads and writes it. */
const STORED = {
  ...{ read_at: 30, counted_at: 20, first_counted_at: -10, history_from: { up: -3, down: -4 } },
  settled: { up: 5, down: 9 },
  floor: { main: AT_NODE },
  log: [
    { kind: "fall", version: 3, node: "main", epoch: 7, direction: "up", generation: 2, closed_at: 11, first: 4 },
    { kind: "reset", version: 4, job: "reset-1", at: 8, floor: { main: AT_NODE }, previous: { up: 1, down: 2 } },
    MULTIPLIED,
  ],
};

it("stores a record under the names that every release knows, and reads it back", () => {
  const { entity, ...fields } = RECORD;
  const stored = toFields(fields);
  expect(stored).toMatchObject(STORED);
  expect(Object.keys(stored).filter((name) => /^(folded|baseline)$|[A-Z]/.test(name))).toEqual([]);
  expect(toRecord(trafficDocument.parse({ ...stored, _id: entity }))).toEqual(RECORD);
});

it.each(["main:7", "main:7:0:1", "main:-1:0"])("does not read a record with an entry of the name %s", (name) => {
  const stored = { _id: "7", revision: 1 };
  const values = { "main:7:0": { up: 5 } };
  expect(trafficDocument.safeParse({ ...stored, live: values, hours: { 1: values } }).success).toBe(true);
  const damaged = { ...values, [name]: { up: 5 } };
  expect(trafficDocument.safeParse({ ...stored, live: damaged }).success).toBe(false);
  expect(trafficDocument.safeParse({ ...stored, hours: { 1: damaged } }).success).toBe(false);
});

it("stores the lives of a node under the names that every release knows, and reads them back", () => {
  const marks = [{ mark: "m", epoch: 7, life: { node: "a", epoch: 6 }, address: "a:1" }];
  const lives = {
    node: "main",
    revision: 3,
    marks,
    restarts: 1,
    seenAt: 5,
    seenEpoch: 7,
    seen: { 7: 5 },
    series: "main@7",
  };
  const stored = toLivesDocument(lives);
  const fields = { revision: 3, marks, restarts: 1, seen_at: 5, seen_epoch: 7, seen: { 7: 5 }, series: "main@7" };
  expect(stored).toEqual({ _id: "main", ...fields });
  expect(toLives(livesDocument.parse(stored))).toEqual(lives);
});
