import type { ServiceState } from "./lifecycle.ts";

/** Asks a dependency whether it serves; rejects when it does not. The signal is aborted when time is up. */
export type ReadinessCheck = (signal: AbortSignal) => Promise<unknown>;

/** The result of a check: it passed, it rejected, or it did not answer in time. */
export type CheckResult = "ok" | "failed" | "timeout";

export interface ReadinessReport {
  /** Whether this replica is to get work: its peers would not do better without it. */
  readonly ready: boolean;
  /** `unavailable`: some check has never passed; `degraded`: all have, and some fail now. */
  readonly status: "ok" | "degraded" | "starting" | "unavailable" | "stopping";
  /** By name of the dependency; without the reason, which is in the log and may name hosts. */
  readonly checks: Readonly<Record<string, CheckResult>>;
}

/**
 * The named checks of a service, run together.
 *
 * Each must have passed once, so that a replica that can't reach what it needs, with a new address or password for one,
 * never takes the place of one that can. From then on a check that fails is shown and changes nothing: what replicas share
 * is away for all of them, and taking all of them off the balancer would only turn their answers into refused connections.
 */
export class Readiness {
  readonly #state: () => ServiceState;
  readonly #timeoutMs: number;
  readonly #checks = new Map<string, ReadinessCheck>();
  readonly #passed = new Set<string>();
  #round: Promise<ReadinessReport> | undefined;

  constructor({ state, timeoutMs }: { state: () => ServiceState; timeoutMs: number }) {
    this.#state = state;
    this.#timeoutMs = timeoutMs;
  }

  addCheck(name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check);
  }

  /** Runs all checks in parallel, each with its timeout. Callers who come while they run share the round. */
  report(): Promise<ReadinessReport> {
    this.#round ??= this.#runRound().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #runRound(): Promise<ReadinessReport> {
    if (this.#isStopping()) return { ready: false, status: "stopping", checks: {} };
    const results = await Promise.all([...this.#checks].map(([name, check]) => this.#run(name, check)));
    const checks = Object.fromEntries(results);
    // The stop may have begun while the checks ran.
    if (this.#isStopping()) return { ready: false, status: "stopping", checks };
    if (this.#state() === "starting") return { ready: false, status: "starting", checks };
    if (results.every(([, result]) => result === "ok")) return { ready: true, status: "ok", checks };
    const ready = results.every(([name]) => this.#passed.has(name));
    return { ready, status: ready ? "degraded" : "unavailable", checks };
  }

  #isStopping(): boolean {
    const state = this.#state();
    return state === "draining" || state === "stopped";
  }

  async #run(name: string, check: ReadinessCheck): Promise<[string, CheckResult]> {
    const result = await this.#outcome(check);
    if (result === "ok") this.#passed.add(name);
    return [name, result];
  }

  async #outcome(check: ReadinessCheck): Promise<CheckResult> {
    const timeout = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<CheckResult>((resolve) => {
      timer = setTimeout(() => {
        // Decided before the check hears of it, so that its own complaint about the abort does not count.
        resolve("timeout");
        timeout.abort();
      }, this.#timeoutMs);
    });
    try {
      return await Promise.race([passed(check, timeout.signal), timedOut]);
    } catch {
      // Why is for whoever watches the dependency to log.
      return "failed";
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Async, so that a check that throws at once counts as one that rejects. */
async function passed(check: ReadinessCheck, signal: AbortSignal): Promise<CheckResult> {
  await check(signal);
  return "ok";
}
