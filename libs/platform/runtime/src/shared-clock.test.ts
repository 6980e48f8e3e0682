import { describe, expect, it } from "vitest";
import { ManualClock } from "./manual-clock.ts";
import { SharedClock } from "./shared-clock.ts";

const HOUR_MS = 3_600_000;
const TRUE_TIME = 1_700_000_000_000;

/** A machine whose clock is ahead by so much, and the shared clock as it sees it. */
function machine(aheadMs: number) {
  const own = new ManualClock(TRUE_TIME + aheadMs);
  const clock = new SharedClock(own);
  const sample = (time: number, roundTripMs = 0) => {
    const answeredAt = own.monotonic();
    clock.take({ time, askedAt: answeredAt - roundTripMs, answeredAt });
  };
  return { own, clock, sample };
}

describe("SharedClock", () => {
  it("is the machine's own clock until it was asked", () => {
    const { clock } = machine(5_000);
    expect(clock.now()).toBe(TRUE_TIME + 5_000);
    expect(clock.skewMs).toBeNull();
  });

  it.each([10_000, -10_000, HOUR_MS, -HOUR_MS])(
    "says the same on a machine that is %d ms off, and by how much",
    async (aheadMs) => {
      const { own, clock, sample } = machine(aheadMs);
      sample(TRUE_TIME);
      await own.advance(1_234);
      expect(Math.abs(clock.now() - (TRUE_TIME + 1_234))).toBeLessThanOrEqual(1);
      expect(Math.abs((clock.skewMs ?? 0) - aheadMs)).toBeLessThanOrEqual(1);
    },
  );

  it("says the earlier and the later one of both times where one of them may have jumped ahead", async () => {
    const { own, clock, sample } = machine(0);
    expect([clock.earliest(), clock.latest()]).toEqual([TRUE_TIME, TRUE_TIME]);
    sample(TRUE_TIME + 365 * 24 * HOUR_MS);
    expect([clock.earliest(), clock.now() > TRUE_TIME + HOUR_MS]).toEqual([TRUE_TIME, true]);
    expect(clock.latest()).toBe(clock.now());
    own.step(400 * 24 * HOUR_MS);
    expect([clock.earliest(), clock.latest()]).toEqual([clock.now(), own.now()]);
  });

  it.each([10_000, -10_000, HOUR_MS, -HOUR_MS])("goes on when the machine's clock is set by %d ms", async (stepMs) => {
    const { own, clock, sample } = machine(0);
    sample(TRUE_TIME);
    own.step(stepMs);
    await own.advance(100);
    expect(Math.abs(clock.now() - (TRUE_TIME + 100))).toBeLessThanOrEqual(1);
  });

  it("is not moved by a slow answer that agrees with it, and follows one that does not", () => {
    const { clock, sample } = machine(0);
    sample(TRUE_TIME);
    const before = clock.now();
    sample(TRUE_TIME - 200, 400);
    expect(clock.now()).toBe(before);
    sample(TRUE_TIME + 9_000, 400);
    expect(clock.now()).toBe(TRUE_TIME + 9_000);
  });
});
