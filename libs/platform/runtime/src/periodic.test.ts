import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { ManualClock } from "./manual-clock.ts";
import { type PeriodicOptions, runPeriodically } from "./periodic.ts";

/** A task whose runs end when the test says so. */
function heldTask() {
  const ends: (() => void)[] = [];
  const task = vi.fn<PeriodicOptions["task"]>(() => new Promise<void>((resolve) => void ends.push(resolve)));
  return { task, endRun: () => ends.shift()?.() };
}

const ignoreError = () => undefined;

describe("runPeriodically", () => {
  it("runs at once and then after every pause", async () => {
    const clock = new ManualClock();
    const task = vi.fn<PeriodicOptions["task"]>(() => Promise.resolve());
    const loop = runPeriodically({ everyMs: 100, task, onError: ignoreError, clock });
    await clock.untilSleeping();
    expect(task).toHaveBeenCalledTimes(1);
    await clock.advance(300);
    expect(task).toHaveBeenCalledTimes(4);
    await loop.stop();
  });

  it("waits for the first pause when the first run is to come later", async () => {
    const clock = new ManualClock();
    const task = vi.fn<PeriodicOptions["task"]>(() => Promise.resolve());
    const loop = runPeriodically({ everyMs: 100, task, onError: ignoreError, clock, firstRun: "later" });
    await clock.untilSleeping();
    expect(task).not.toHaveBeenCalled();
    await clock.advance(100);
    expect(task).toHaveBeenCalledTimes(1);
    await loop.stop();
  });

  it("never overlaps: the pause begins when a slow run has ended", async () => {
    const clock = new ManualClock();
    const { task, endRun } = heldTask();
    const loop = runPeriodically({ everyMs: 100, task, onError: ignoreError, clock });
    await clock.advance(1_000);
    expect(task).toHaveBeenCalledTimes(1);
    endRun();
    await clock.untilSleeping();
    await clock.advance(100);
    expect(task).toHaveBeenCalledTimes(2);
    endRun();
    await loop.stop();
  });

  it("reports a failed run and goes on", async () => {
    const clock = new ManualClock();
    const onError = vi.fn<PeriodicOptions["onError"]>();
    const loop = runPeriodically({ everyMs: 100, task: () => Promise.reject(new Error("no node")), onError, clock });
    await clock.untilSleeping();
    await clock.advance(100);
    expect(onError.mock.calls.map(([error]) => error.message)).toEqual(["no node", "no node"]);
    await loop.stop();
  });

  it("reports a task that throws before it returns a promise", async () => {
    const clock = new ManualClock();
    const onError = vi.fn<PeriodicOptions["onError"]>();
    const task = () => {
      throw new TypeError("at once");
    };
    const loop = runPeriodically({ everyMs: 100, task, onError, clock });
    await clock.untilSleeping();
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ message: "at once" }));
    await loop.stop();
  });

  it("varies the pause by the jitter", async () => {
    const clock = new ManualClock();
    const random = vi.spyOn(Math, "random").mockReturnValue(1);
    const task = vi.fn<PeriodicOptions["task"]>(() => Promise.resolve());
    const loop = runPeriodically({ everyMs: 100, task, onError: ignoreError, clock, jitter: 0.5 });
    await clock.untilSleeping();
    await clock.advance(149);
    expect(task).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(task).toHaveBeenCalledTimes(2);
    await loop.stop();
    random.mockRestore();
  });

  describe("stop", () => {
    it("ends a pause at once", async () => {
      const clock = new ManualClock();
      const loop = runPeriodically({ everyMs: 100, task: () => Promise.resolve(), onError: ignoreError, clock });
      await clock.untilSleeping();
      await loop.stop();
      expect(clock.sleepers).toBe(0);
    });

    it("aborts the signal of the run in progress and waits for it", async () => {
      const clock = new ManualClock();
      const { task, endRun } = heldTask();
      const loop = runPeriodically({ everyMs: 100, task, onError: ignoreError, clock });
      await vi.waitUntil(() => task.mock.calls.length === 1, { interval: 1 });
      const onStopped = vi.fn<() => void>();
      const stopping = loop.stop().then(onStopped);
      await clock.advance(1_000);
      expect(task.mock.calls[0]?.[0].aborted).toBe(true);
      expect(onStopped).not.toHaveBeenCalled();
      endRun();
      await stopping;
      expect(task).toHaveBeenCalledTimes(1);
    });

    it("comes from the signal, too, and leaves no listener on it", async () => {
      const clock = new ManualClock();
      const controller = new AbortController();
      const { signal } = controller;
      const loop = runPeriodically({
        everyMs: 100,
        task: () => Promise.resolve(),
        onError: ignoreError,
        clock,
        signal,
      });
      await clock.untilSleeping();
      controller.abort();
      await loop.stopped;
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
    });

    it("means no run at all when the signal was aborted before", async () => {
      const task = vi.fn<PeriodicOptions["task"]>(() => Promise.resolve());
      await runPeriodically({ everyMs: 1, task, onError: ignoreError, signal: AbortSignal.abort() }).stopped;
      expect(task).not.toHaveBeenCalled();
    });
  });

  describe("trigger", () => {
    it("ends the pause and resolves when the run has ended", async () => {
      const clock = new ManualClock();
      const { task, endRun } = heldTask();
      const loop = runPeriodically({ everyMs: 100, task, onError: ignoreError, clock });
      await vi.waitUntil(() => task.mock.calls.length === 1, { interval: 1 });
      endRun();
      await clock.untilSleeping();
      const onAnswered = vi.fn<() => void>();
      const triggered = loop.trigger().then(onAnswered);
      await clock.advance(0);
      expect(task).toHaveBeenCalledTimes(2);
      expect(onAnswered).not.toHaveBeenCalled();
      endRun();
      await triggered;
      await loop.stop();
    });

    it("during a run asks for one more, shared by all who ask", async () => {
      const clock = new ManualClock();
      const { task, endRun } = heldTask();
      const loop = runPeriodically({ everyMs: 100, task, onError: ignoreError, clock });
      await vi.waitUntil(() => task.mock.calls.length === 1, { interval: 1 });
      const triggered = Promise.all([loop.trigger(), loop.trigger()]);
      endRun();
      await vi.waitUntil(() => task.mock.calls.length === 2, { interval: 1 });
      endRun();
      await triggered;
      await clock.untilSleeping();
      expect(task).toHaveBeenCalledTimes(2);
      await loop.stop();
    });

    it("resolves when its run fails, and when the loop has stopped", async () => {
      const clock = new ManualClock();
      const loop = runPeriodically({
        everyMs: 100,
        task: () => Promise.reject(new Error("x")),
        onError: ignoreError,
        clock,
      });
      await expect(loop.trigger()).resolves.toBeUndefined();
      await loop.stop();
      await expect(loop.trigger()).resolves.toBeUndefined();
    });
  });
});
