import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { withProgress } from "./progress.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test("a task of less than a second says nothing", async () => {
  const lines: string[] = [];
  const task = withProgress(
    (line) => lines.push(line),
    "Building",
    () => after(900),
  );
  await vi.advanceTimersByTimeAsync(900);
  await task;
  expect(lines).toEqual([]);
});

test("a longer one reports what it does, for how long, and how it ended", async () => {
  const lines: string[] = [];
  const task = withProgress(
    (line) => lines.push(line),
    "Building",
    () => after(12_000),
  );
  await vi.advanceTimersByTimeAsync(12_000);
  await task;
  expect(lines).toEqual(["Building …", "Building … 6 s", "Building … 11 s", "Building: done in 12 s"]);
});

test("a failure is reported and rethrown", async () => {
  const lines: string[] = [];
  const task = withProgress(
    (line) => lines.push(line),
    "Building",
    async () => {
      await after(2_000);
      throw new Error("no Go");
    },
  );
  const [outcome] = await Promise.all([Promise.allSettled([task]), vi.advanceTimersByTimeAsync(2_000)]);
  expect(outcome).toEqual([{ status: "rejected", reason: new Error("no Go") }]);
  expect(lines.at(-1)).toBe("Building: failed after 2 s");
});
