import { describe, expect, it } from "vitest";
import { ManualClock } from "./manual-clock.ts";

describe("ManualClock", () => {
  it("stands still until it is advanced", async () => {
    const clock = new ManualClock(1_000);
    expect(clock.now()).toBe(1_000);
    await clock.advance(250);
    expect(clock.now()).toBe(1_250);
  });

  it("can be set without time passing", async () => {
    const clock = new ManualClock(1_000);
    const sleep = clock.sleep(100);
    clock.step(-500);
    expect([clock.now(), clock.monotonic(), clock.sleepers]).toEqual([500, 0, 1]);
    await clock.advance(100);
    await sleep;
    expect([clock.now(), clock.monotonic()]).toEqual([600, 100]);
  });

  it("wakes sleepers in the order of their time, each at its own time", async () => {
    const clock = new ManualClock();
    const woken: string[] = [];
    const sleepAndTell = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push(`${name}@${clock.now()}`);
    };
    const all = Promise.all([sleepAndTell("late", 200), sleepAndTell("early", 100), sleepAndTell("never", 500)]);
    await clock.advance(300);
    expect(woken).toEqual(["early@100", "late@200"]);
    expect(clock.sleepers).toBe(1);
    await clock.advance(200);
    await all;
  });

  it("wakes somebody again who goes back to sleep within the same advance", async () => {
    const clock = new ManualClock();
    let ticks = 0;
    const ticking = (async () => {
      for (; ticks < 3; ticks += 1) await clock.sleep(10);
    })();
    await clock.advance(30);
    await ticking;
    expect(ticks).toBe(3);
  });

  it("tells when somebody sleeps, and ends a sleep on abort", async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const someone = clock.untilSleeping();
    const slept = clock.sleep(100, controller.signal);
    await someone;
    await clock.untilSleeping();
    controller.abort();
    await slept;
    expect(clock.sleepers).toBe(0);
  });
});
