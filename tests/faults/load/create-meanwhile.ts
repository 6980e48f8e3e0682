import type { ApiClient } from "../../support/api-client.ts";
import type { Load } from "./keep-busy.ts";

/** Keys that are made one after the other while something else happens. */
export interface Creates extends Load {
  /** How many were answered. */
  readonly count: () => number;
  /** The errors of calls that were not answered. */
  readonly failures: readonly string[];
  /** How long the answers took, in a line. */
  readonly summary: () => string;
}

/** Makes keys, each when the one before it is answered, until it is stopped. */
export function createMeanwhile(client: ApiClient): Creates {
  const latencies: number[] = [];
  const failures: string[] = [];
  let isStopped = false;
  const running = (async () => {
    while (!isStopped) {
      const begun = performance.now();
      try {
        await client.create();
        latencies.push(performance.now() - begun);
      } catch (error) {
        failures.push(`a create ended after ${Math.round(performance.now() - begun)} ms: ${String(error)}`);
      }
    }
  })();
  return {
    count: () => latencies.length,
    failures,
    summary: () => {
      const sorted = latencies.toSorted((one, other) => one - other);
      const part = (percent: number) =>
        Math.round(sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Number.NaN);
      return `${latencies.length} creates meanwhile: p50 ${part(50)} ms, p99 ${part(99)} ms, longest ${part(100)} ms`;
    },
    stop: async () => {
      isStopped = true;
      await running;
    },
  };
}
