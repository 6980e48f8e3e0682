import { expect, test } from "vitest";
import type { InvariantName } from "../invariants/invariant-list.ts";
import { type Finding, Findings } from "./findings.ts";
import type { Tally } from "./tally.ts";

/** One fault test's part of the report. */
export interface FaultReport {
  readonly fault: string;
  readonly rounds: number;
  readonly invariants: Partial<Record<InvariantName, Finding>>;
  readonly figures: Figures;
  /** Measured values worth a line of their own. */
  readonly notes: readonly string[];
}

export type Figures = Readonly<Omit<Tally, "count">>;

declare module "vitest" {
  interface TaskMeta {
    faultReport?: FaultReport;
  }
}

/** One fault in the making. */
export class FaultRun {
  readonly findings = new Findings();
  readonly notes: string[] = [];
  rounds = 0;
}

/** A test that does one kind of fault, in rounds, and fails when a invariant did not hold. */
export function faultTest(
  fault: string,
  tally: () => Tally,
  body: (run: FaultRun) => Promise<void>,
  timeoutMs = 300_000,
): void {
  test(fault, { timeout: timeoutMs }, async ({ task }) => {
    const run = new FaultRun();
    const before = figuresOf(tally());
    try {
      await body(run);
    } finally {
      const { rounds, notes } = run;
      const figures = difference(figuresOf(tally()), before);
      task.meta.faultReport = { fault, rounds, invariants: run.findings.byInvariant, figures, notes };
    }
    expect(run.findings.violations).toEqual([]);
  });
}

function figuresOf({ kills, hangs, terminations, brokenCalls, requests, bytes }: Tally): Figures {
  return { kills, hangs, terminations, brokenCalls, requests, bytes };
}

function difference(now: Figures, before: Figures): Figures {
  return {
    kills: now.kills - before.kills,
    hangs: now.hangs - before.hangs,
    terminations: now.terminations - before.terminations,
    brokenCalls: now.brokenCalls - before.brokenCalls,
    requests: now.requests - before.requests,
    bytes: now.bytes - before.bytes,
  };
}
