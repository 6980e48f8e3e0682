import { expect, it } from "vitest";
import { ManualClock } from "@veil/runtime";
import { untilAnswered } from "./until-answered.ts";

const { signal } = new AbortController();

it("ends with the first answer", async () => {
  const clock = new ManualClock();
  let asked = 0;
  const answered = untilAnswered(
    async () => {
      asked += 1;
      if (asked < 3) throw new Error("away");
    },
    { limitMs: 5_000, clock, signal },
  );
  for (let pause = 0; pause < 2; pause += 1) {
    await clock.untilSleeping();
    await clock.advance(100);
  }
  expect(await answered).toBe(true);
});

it("gives up after its limit", async () => {
  const clock = new ManualClock();
  const answered = untilAnswered(() => Promise.reject(new Error("away")), { limitMs: 100, clock, signal });
  await clock.untilSleeping();
  await clock.advance(100);
  expect(await answered).toBe(false);
});

it("does not ask when the service stops", async () => {
  const clock = new ManualClock();
  const never = { limitMs: 5_000, clock, signal: AbortSignal.abort() };
  expect(await untilAnswered(() => Promise.resolve(), never)).toBe(false);
});
