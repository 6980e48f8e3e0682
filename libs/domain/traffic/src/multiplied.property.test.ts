import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { histories, LIMIT_MS, run, RUNS } from "../test/ledger-histories.ts";
import type { Answered, Model } from "../test/ledger-model.ts";

const node = fc.nat(1);
const MULTIPLIERS = fc.constantFrom(0, 0.1, 0.5, 1, 1.3, 2, 100);

const actionsWith = (multiplier: fc.Arbitrary<number>) =>
  fc.oneof(
    { weight: 16, arbitrary: fc.record({ kind: fc.constant("step" as const), process: fc.nat(30) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("bytes" as const), node, count: fc.nat(50) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("multiplier" as const), node, multiplier }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("hour" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("restart" as const, "away" as const), node }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constantFrom("crash" as const, "pause" as const), process: fc.nat(30) }),
    },
  );
const ACTIONS = actionsWith(MULTIPLIERS);
const LARGEST = 2;
const WITH_FOREIGN_RESETS = fc.oneof(
  { weight: 20, arbitrary: actionsWith(fc.constantFrom(0, 1, LARGEST)) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("counter-reset" as const), node }) },
);

/** What all that moved has come to, before and after resets. */
function all(model: Model): number {
  const byJob = new Map(model.answered.map(({ job, previous }: Answered) => [job, previous]));
  return [...byJob.values()].reduce((sum, previous) => sum + previous, model.total);
}

describe("a ledger whose nodes' multipliers change, whatever overlaps and dies", () => {
  it(
    "books every byte once, with a multiplier that a collector knew when it read it",
    () => {
      fc.assert(
        fc.property(histories(ACTIONS), fc.boolean(), (commands, withResets) => {
          const model = run(commands, withResets);
          const { worth, roundings, figures } = model;
          for (const booked of [all(model), figures.lifetime.up]) {
            expect(booked).toBeLessThan(worth.most + roundings);
            expect(booked).toBeGreaterThan(worth.least - roundings);
          }
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it(
    "lowers no figure that only grows, and hours add up to the lifetime",
    () => {
      fc.assert(
        fc.property(histories(ACTIONS), fc.boolean(), (commands, withResets) => {
          const model = run(commands, withResets);
          expect(model.fell).toBe(false);
          expect(model.usage).toBe(model.figures.lifetime.up);
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it(
    "books no byte twice when somebody else resets the counters, and goes on with the multiplier that there is",
    () => {
      fc.assert(
        fc.property(histories(WITH_FOREIGN_RESETS), fc.boolean(), (commands, withResets) => {
          const model = run(commands, withResets);
          // Whether a byte lies before or after a reset that nobody has seen yet is not known: it has one of the multipliers.
          expect(all(model)).toBeLessThanOrEqual(LARGEST * model.moved);
          for (const of of [0, 1]) model.apply({ kind: "multiplier", node: of, multiplier: LARGEST });
          for (const of of [0, 1]) model.apply({ kind: "bytes", node: of, count: 1 });
          model.finish();
          const before = model.total;
          for (const of of [0, 1]) model.apply({ kind: "bytes", node: of, count: 1_000 });
          model.finish();
          expect(model.total).toBe(before + LARGEST * 2_000);
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );
});
