import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ResultWaiters } from "./result-waiters.ts";

const ending = { state: "completed", returnvalue: 7 } as const;

beforeEach(() => {
  vi.useFakeTimers();
  // The cache takes 0 for no time at all.
  vi.advanceTimersByTime(1);
});

afterEach(() => {
  vi.useRealTimers();
});

it("remembers a job for as long as somebody waits for it", async () => {
  const waiters = new ResultWaiters();
  waiters.expect("later");
  const waiting = waiters.wait("later", 105_000);
  vi.advanceTimersByTime(100_000);
  waiters.resolve("later", ending);
  expect(await waiting).toEqual(ending);
});

it("forgets a job that nobody waits for after a minute", () => {
  const waiters = new ResultWaiters();
  waiters.expect("job");
  vi.advanceTimersByTime(59_000);
  expect(waiters.expect("job")).toBe("known");
  vi.advanceTimersByTime(2_000);
  expect(waiters.expect("job")).toBe("new");
});

it("gives a wait up when its time is over", async () => {
  const waiters = new ResultWaiters();
  waiters.expect("job");
  const waiting = waiters.wait("job", 1_000);
  vi.advanceTimersByTime(1_000);
  expect(await waiting).toBeNull();
});
