import { expect, test } from "vitest";
import type { BenchCase } from "./bench-case.ts";
import { summarize } from "./summarize.ts";

const rate: Omit<BenchCase, "prepare"> = {
  name: "rate",
  group: "rates",
  title: (keys) => `A rate among ${keys}`,
  keys: { full: 0, quick: 0 },
  against: "raw",
  unit: "/s",
  target: { kind: "at-least", ratio: 0.5 },
};
const never = () => Promise.reject(new Error("is not prepared here"));
const measured = (value: number) => ({
  value,
  cpuMsPerOperation: { services: value, engines: 1, byProcess: {} },
  rssMiB: value,
});

test("the ratio is the median of the rounds' own ratios, not the ratio of the medians", () => {
  const rounds = {
    ours: [measured(100), measured(300), measured(200)],
    raw: [400, 400, 100],
    rawCpuMsPerOperation: [],
    notes: [],
  };

  const summary = summarize({ ...rate, prepare: never }, 1_000, rounds);

  expect(summary).toMatchObject({
    title: "A rate among 1000",
    keys: 1_000,
    ours: 200,
    raw: 400,
    ratio: 0.75,
    spread: 0.5,
    reached: true,
    rssMiB: 300,
  });
  expect(summary.cpuMsPerOperation).toEqual({ services: 200, engines: 1 });
});

test("a time is reached when it is at most so much of the raw one", () => {
  const target = { kind: "at-most", ratio: 1.5 } as const;
  const rounds = (ours: number) => ({ ours: [measured(ours)], raw: [100], rawCpuMsPerOperation: [], notes: [] });

  expect(summarize({ ...rate, target, unit: "ms", prepare: never }, 0, rounds(150)).reached).toBe(true);
  expect(summarize({ ...rate, target, unit: "ms", prepare: never }, 0, rounds(151)).reached).toBe(false);
});

test("without anything raw the time itself counts", () => {
  const target = { kind: "within", ms: 5_000 } as const;

  const summary = summarize({ ...rate, target, prepare: never }, 0, {
    ours: [measured(4_000)],
    raw: [],
    rawCpuMsPerOperation: [],
    notes: [],
  });

  expect(summary).toMatchObject({ raw: null, ratio: null, reached: true });
});
