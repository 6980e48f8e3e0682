import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CallSlots } from "./call-slots.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const inAMinute = () => performance.now() + 60_000;

describe("CallSlots", () => {
  it("gives a slot that comes free to the one that has waited longest", async () => {
    const slots = new CallSlots(1);
    await slots.acquire(inAMinute());
    const order: string[] = [];
    const first = slots.acquire(inAMinute()).then((end) => order.push(`first ${end}`));
    const second = slots.acquire(inAMinute()).then((end) => order.push(`second ${end}`));
    slots.release();
    await first;
    slots.release();
    await second;
    expect(order).toEqual(["first held", "second held"]);
  });

  it("ends a wait at its deadline without losing the slot to it", async () => {
    const slots = new CallSlots(1);
    await slots.acquire(inAMinute());
    const late = slots.acquire(performance.now() + 10);
    await vi.advanceTimersByTimeAsync(10);
    expect(await late).toBe("late");
    slots.release();
    expect(await slots.acquire(inAMinute())).toBe("held");
  });

  it("sends all who wait away and still has its slots afterwards", async () => {
    const slots = new CallSlots(1);
    await slots.acquire(inAMinute());
    const waits = [slots.acquire(inAMinute()), slots.acquire(inAMinute())];
    slots.sendAway();
    expect(await Promise.all(waits)).toEqual(["sent-away", "sent-away"]);
    slots.release();
    expect(await slots.acquire(inAMinute())).toBe("held");
    expect(vi.getTimerCount()).toBe(0);
  });
});
