import type { Bench } from "./bench.ts";
import type { ProcessIds } from "./process-usage.ts";

/** One measurement: a rate or a time, and what it took. */
export interface Measurement {
  /** In the unit of its case. */
  readonly value: number;
  /** How many operations it consisted of, for the cost of one. */
  readonly operations: number;
  /** Printed below the table. */
  readonly note?: string;
}

/** The ratio to reach: rates are to be at least so much of the raw one, times at most so much. */
export type Target =
  | { readonly kind: "at-least"; readonly ratio: number }
  | { readonly kind: "at-most"; readonly ratio: number }
  /** There is nothing raw to compare with: an absolute time in milliseconds. */
  | { readonly kind: "within"; readonly ms: number };

/** Both sides of a case, ready to be measured again and again. */
export interface PreparedCase {
  /** Prepares each measurement of our side, and is not measured. */
  readonly begin?: () => Promise<void>;
  ours(): Promise<Measurement>;
  /** Absent when there is nothing to compare with. */
  readonly raw?: () => Promise<Measurement>;
  /** Process ids whose CPU time and memory belong to our side; none when it is not known. */
  readonly pids?: () => ProcessIds;
  /** The raw side's processes. */
  readonly rawPids?: () => Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/** One line of the table. */
export interface BenchCase {
  readonly name: string;
  /** Neighboring cases of one group share their systems. */
  readonly group: string;
  /** The row's title in the table when so many keys are present. */
  readonly title: (keys: number) => string;
  /** How many keys are present at its start, in the full run and in the quick one. */
  readonly keys: { readonly full: number; readonly quick: number };
  /** The system that it is measured against. */
  readonly against: string;
  readonly unit: "/s" | "ms";
  readonly target: Target;
  prepare(bench: Bench, keys: number): Promise<PreparedCase>;
}

/** "…, 10,000 keys present"; nothing more for an empty system. */
export function amongKeys(title: string): BenchCase["title"] {
  return (keys) => (keys === 0 ? title : `${title}, ${grouped(keys)} keys present`);
}

/** "10,000" */
export function grouped(count: number): string {
  return count.toLocaleString("en-GB");
}
