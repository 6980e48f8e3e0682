import { expect, it } from "vitest";
import { limitRepeats } from "./limit-repeats.ts";
import { ManualClock } from "./manual-clock.ts";

it("passes an error on once a minute, and every other error at once, however the time of day is set", async () => {
  const clock = new ManualClock();
  const said: string[] = [];
  const say = limitRepeats((error) => void said.push(error.message), clock);
  for (const text of ["away", "away", "NOPERM", "away"]) say(new Error(text));
  expect(said).toEqual(["away", "NOPERM"]);
  clock.step(-3_600_000);
  await clock.advance(59_000);
  say(new Error("away"));
  expect(said).toEqual(["away", "NOPERM"]);
  await clock.advance(1_000);
  say(new Error("away"));
  expect(said).toEqual(["away", "NOPERM", "away"]);
});
