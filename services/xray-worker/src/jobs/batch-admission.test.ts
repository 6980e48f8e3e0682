import { ManualClock } from "@veil/runtime";
import { expect, test } from "vitest";
import { BatchAdmission } from "./batch-admission.ts";

/** Batches of ten that end when the test lets them. */
function tens() {
  const clock = new ManualClock(0);
  const admission = new BatchAdmission({ besideSingles: 15, alone: 45, clock });
  const endings: (() => void)[] = [];
  const begin = (batches: number) => {
    for (let batch = 0; batch < batches; batch += 1) {
      const item = () => new Promise<void>((resolve) => void endings.push(resolve));
      void admission.runAll(Array.from({ length: 10 }, () => item));
    }
  };
  /** @returns how many items are under way once some have ended */
  const end = async (items: number): Promise<number> => {
    for (const resolve of endings.splice(0, items)) resolve();
    await new Promise(setImmediate);
    return endings.length;
  };
  return { clock, admission, begin, end };
}

test("many batches are under way while no single write comes, and few while some do", async () => {
  const { admission, begin, end } = tens();
  begin(8);
  expect(await end(0)).toBe(50);
  admission.noteSingle();
  // Below 15 with the 36th.
  expect(await end(35)).toBe(15);
  expect(await end(1)).toBe(24);
});

test("many are again five seconds after the last single write", async () => {
  const { clock, admission, begin, end } = tens();
  admission.noteSingle();
  begin(8);
  expect(await end(0)).toBe(20);
  await clock.advance(5_000);
  expect(await end(1)).toBe(49);
});

test("a batch of more items than that begins when it is alone, and an item that fails makes room like any other", async () => {
  const admission = new BatchAdmission({ besideSingles: 2, alone: 2, clock: new ManualClock(0) });
  const failing = () => Promise.reject(new Error("no"));
  const ends = await admission.runAll([failing, failing, failing]);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(await admission.runAll([async () => 1])).toEqual([{ status: "fulfilled", value: 1 }]);
});
