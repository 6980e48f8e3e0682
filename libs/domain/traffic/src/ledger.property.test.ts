import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { histories, LIMIT_MS, run, RUNS } from "../test/ledger-histories.ts";
import type { Answered, Model } from "../test/ledger-model.ts";

const ACTIONS = fc.oneof(
  { weight: 16, arbitrary: fc.record({ kind: fc.constant("step" as const), process: fc.nat(30) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("bytes" as const), node: fc.nat(1), count: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hour" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const), node: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("away" as const), node: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("crash" as const, "pause" as const), process: fc.nat(30) }),
  },
);
const WITH_FOREIGN_RESETS = fc.oneof(
  { weight: 20, arbitrary: ACTIONS },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("counter-reset" as const), node: fc.nat(1) }) },
);

function sumOfAnswers(model: Model): number {
  const byJob = new Map(model.answered.map(({ job, previous }) => [job, previous]));
  return [...byJob.values()].reduce((sum, previous) => sum + previous, 0);
}

function sameAnswer(one: Answered, other: Answered): boolean {
  return one.job !== other.job || one.previous === other.previous;
}

/** What moved since the last of the resets was asked for; more can't be shown. */
function mostAfterResets(model: Model): number {
  return Math.min(model.moved, ...model.answered.map((reset) => model.moved - reset.movedWhenAsked));
}

/** What moved after the last answer without being lost; less can't be shown. */
function leastAfterResets(model: Model): number {
  const last = model.answered.at(-1);
  if (last === undefined) return 0;
  return model.moved - last.movedWhenAnswered - (model.lost - last.lostWhenAnswered);
}

/** What moved after the last decided reset without being lost. */
function leastAfterDecided(model: Model): number {
  const last = model.decided.at(-1);
  if (last === undefined) return 0;
  return model.moved - last.movedWhenDecided - (model.lost - last.lostWhenDecided);
}

describe("the ledger, whatever overlaps and dies", () => {
  it(
    "counts every byte once and loses only what Xray counted after the last complete reading",
    () => {
      fc.assert(
        fc.property(histories(ACTIONS), (commands) => {
          const model = run(commands, false);
          expect(model.total).toBeLessThanOrEqual(model.moved);
          expect(model.total).toBeGreaterThanOrEqual(model.moved - model.lost);
          expect(model.fell).toBe(false);
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it(
    "after a reset shows only bytes moved since, and every run of a reset job answers the same",
    () => {
      fc.assert(
        fc.property(histories(ACTIONS), (commands) => {
          const model = run(commands, true);
          const { answered } = model;
          expect(answered.every((one) => one.previous >= 0)).toBe(true);
          expect(answered.every((one) => answered.every((other) => sameAnswer(one, other)))).toBe(true);
          expect(model.total).toBeLessThanOrEqual(mostAfterResets(model));
          expect(model.total).toBeGreaterThanOrEqual(leastAfterResets(model));
          expect(model.total + sumOfAnswers(model)).toBeLessThanOrEqual(model.moved);
          expect(model.total + sumOfAnswers(model)).toBeGreaterThanOrEqual(model.moved - model.lost);
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it(
    "keeps a lifetime that no reset lowers, hours that add up to it, and obeys resets that the key's document decided",
    () => {
      fc.assert(
        fc.property(histories(ACTIONS), (commands) => {
          const model = run(commands, true);
          expect(model.fell).toBe(false);
          const { used, lifetime } = model.figures;
          expect(lifetime.up).toBeLessThanOrEqual(model.moved);
          expect(lifetime.up).toBeGreaterThanOrEqual(model.moved - model.lost);
          expect(model.usage).toBe(lifetime.up);
          expect(model.decided).toHaveLength(2);
          const last = model.decided.at(-1);
          expect(used.up).toBeLessThanOrEqual(Math.min(model.total, lifetime.up - (last?.baseline ?? 0)));
          expect(used.up).toBeGreaterThanOrEqual(Math.min(leastAfterResets(model), leastAfterDecided(model)));
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it(
    "never counts a byte twice when somebody else resets the counters, and goes on counting afterwards",
    () => {
      fc.assert(
        fc.property(histories(WITH_FOREIGN_RESETS), fc.boolean(), (commands, withResets) => {
          const model = run(commands, withResets);
          expect(model.total + sumOfAnswers(model)).toBeLessThanOrEqual(model.moved);
          const before = model.total;
          for (const node of [0, 1]) model.apply({ kind: "bytes", node, count: 1_000 });
          model.finish();
          expect(model.total).toBe(before + 2_000);
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );
});
