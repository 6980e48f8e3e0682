import type { Bench } from "./bench.ts";
import type { BenchCase, Measurement, PreparedCase } from "./bench-case.ts";
import { cpuBetween, type ProcessIds, usageOf } from "./process-usage.ts";

/** One side of one round. */
export interface MeasuredRound {
  readonly value: number;
  /** Milliseconds of CPU for one operation; null where it is not known. */
  readonly cpuMsPerOperation: Cost | null;
  /** Resident memory of the services after it. */
  readonly rssMiB: number | null;
}

export interface Cost {
  readonly services: number;
  readonly engines: number;
  readonly byProcess: Readonly<Record<string, number>>;
}

export interface CaseRounds {
  readonly ours: readonly MeasuredRound[];
  /** Empty when there is nothing to compare with. */
  readonly raw: readonly number[];
  /** Milliseconds of CPU for one raw operation, by round; empty where it is not known. */
  readonly rawCpuMsPerOperation: readonly number[];
  readonly notes: readonly string[];
}

/**
 * Measures a case: a round of both sides that does not count, then as many as are asked for. The sides take turns in who
 * goes first, so that a drift of the machine meets both.
 */
export async function runCase(benchCase: BenchCase, keys: number, bench: Bench, rounds: number): Promise<CaseRounds> {
  const prepared = await benchCase.prepare(bench, keys);
  const ours: MeasuredRound[] = [];
  const raw: number[] = [];
  const rawCpuMsPerOperation: number[] = [];
  const notes = new Set<string>();
  const measure = async (counts: boolean, isRaw: boolean) => {
    if (isRaw) {
      const end = await measureRaw(prepared);
      if (!counts || end === null) return;
      raw.push(end.value);
      if (end.cpuMs !== null) rawCpuMsPerOperation.push(end.cpuMs);
      return;
    }
    const { measured, note } = await measureOurs(prepared);
    if (note !== undefined) notes.add(note);
    if (counts) ours.push(measured);
  };
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const order = round % 2 === 0 ? [true, false] : [false, true];
      for (const isRaw of order) await measure(round > 0, isRaw);
      if (round > 0) bench.say(`  ${line(round, rounds, benchCase, ours, raw)}`);
    }
  } finally {
    await prepared.close();
  }
  return { ours, raw, rawCpuMsPerOperation, notes: [...notes] };
}

async function measureRaw({ raw, rawPids }: PreparedCase): Promise<{ value: number; cpuMs: number | null } | null> {
  if (raw === undefined) return null;
  const pids = rawPids?.() ?? {};
  const before = await usageOf(pids);
  const { value, operations } = await raw();
  const after = await usageOf(pids);
  if (before === null || after === null || Object.keys(pids).length === 0) return { value, cpuMs: null };
  const spent = Object.values(cpuBetween(before, after)).reduce((sum, cpuMs) => sum + cpuMs, 0);
  return { value, cpuMs: spent / operations };
}

async function measureOurs(prepared: PreparedCase): Promise<{ measured: MeasuredRound; note: string | undefined }> {
  await prepared.begin?.();
  const { services, engines }: ProcessIds = prepared.pids?.() ?? { services: {}, engines: {} };
  const before = await usageOf({ ...services, ...engines });
  const end: Measurement = await prepared.ours();
  // An engine that was started anew meanwhile is another process, and its cost is not known.
  const now: ProcessIds = prepared.pids?.() ?? { services: {}, engines: {} };
  const after = await usageOf({ ...now.services, ...now.engines });
  const isKnown = before !== null && after !== null && Object.keys(services).length > 0;
  if (!isKnown) return { measured: { value: end.value, cpuMsPerOperation: null, rssMiB: null }, note: end.note };
  const byProcess = Object.fromEntries(
    Object.entries(cpuBetween(before, after)).map(([name, cpuMs]) => [name, Math.max(0, cpuMs) / end.operations]),
  );
  const sumOf = (names: Readonly<Record<string, number>>) =>
    Object.keys(names).reduce((sum, name) => sum + (byProcess[name] ?? 0), 0);
  return {
    measured: {
      value: end.value,
      cpuMsPerOperation: { services: sumOf(services), engines: sumOf(engines), byProcess },
      rssMiB: Object.keys(services).reduce((sum, name) => sum + (after[name]?.rssMiB ?? 0), 0),
    },
    note: end.note,
  };
}

function line(
  round: number,
  rounds: number,
  { unit }: BenchCase,
  ours: readonly MeasuredRound[],
  raw: readonly number[],
): string {
  const of = (value: number | undefined) => (value === undefined ? "–" : `${value.toFixed(1)} ${unit}`);
  return `round ${round} of ${rounds}: ${of(ours.at(-1)?.value)}, raw ${of(raw.at(-1))}`;
}
