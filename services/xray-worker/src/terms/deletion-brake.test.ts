import { ManualClock } from "@veil/runtime";
import { expect, test } from "vitest";
import { DeletionBrake } from "./deletion-brake.ts";

const HOUR_MS = 3_600_000;

function brakeOf() {
  const clock = new ManualClock(0);
  const said: unknown[] = [];
  const brake = new DeletionBrake({
    clock,
    log: { error: (fields: unknown) => void said.push(fields) },
  });
  return { clock, said, brake };
}

test("few keys, and less than most of all, may be deleted at once", () => {
  const { brake, said } = brakeOf();
  expect([brake.allows(50, 50), brake.allows(60, 120), brake.allows(1, 1)]).toEqual([true, true, true]);
  expect(said).toEqual([]);
});

test("most keys stay for a day of the monotonic clock, which is said once", async () => {
  const { clock, brake, said } = brakeOf();
  expect(brake.allows(61, 120)).toBe(false);
  clock.step(1_000 * HOUR_MS);
  await clock.advance(23 * HOUR_MS);
  expect(brake.allows(62, 120)).toBe(false);
  expect(said).toEqual([{ keys: 61, ofAll: 120 }]);
  await clock.advance(HOUR_MS);
  expect(brake.allows(62, 120)).toBe(true);
});

test("a day begins anew after a look at which they were not most", async () => {
  const { clock, brake, said } = brakeOf();
  brake.allows(61, 120);
  await clock.advance(23 * HOUR_MS);
  brake.allows(0, 120);
  await clock.advance(2 * HOUR_MS);
  expect([brake.allows(61, 120), said.length]).toEqual([false, 2]);
});
