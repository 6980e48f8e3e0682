import type { Logger } from "./create-logger.ts";
import type { ServiceState } from "./service-state.ts";

/** Asks a dependency whether it serves; rejects when it does not. The signal is aborted when time is up. */
export type ReadinessCheck = (signal: AbortSignal) => Promise<unknown>;

/** What a check came to: it passed, it rejected, or it did not answer in time. */
export type CheckResult = "ok" | "failed" | "timeout";

export interface ReadinessReport {
  /** Whether the service can do its work now. */
  readonly ready: boolean;
  readonly status: "ok" | "starting" | "unavailable" | "stopping";
  /** By name of the dependency; without the reason, which is in the log and may name hosts. */
  readonly checks: Readonly<Record<string, CheckResult>>;
}

/** The named checks of a service, run together. */
export class Readiness {
  readonly #state: () => ServiceState;
  readonly #timeoutMs: number;
  readonly #log: Logger;
  readonly #checks = new Map<string, ReadinessCheck>();
  readonly #lastResults = new Map<string, CheckResult>();
  #round: Promise<ReadinessReport> | undefined;

  constructor({ state, timeoutMs, log }: { state: () => ServiceState; timeoutMs: number; log: Logger }) {
    this.#state = state;
    this.#timeoutMs = timeoutMs;
    this.#log = log;
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
    const ready = results.every(([, result]) => result === "ok");
    return { ready, status: ready ? "ok" : "unavailable", checks };
  }

  #isStopping(): boolean {
    const state = this.#state();
    return state === "draining" || state === "stopped";
  }

  async #run(name: string, check: ReadinessCheck): Promise<[string, CheckResult]> {
    const [result, err] = await this.#outcome(check);
    if (result !== (this.#lastResults.get(name) ?? "ok")) {
      if (result === "ok") this.#log.info({ dependency: name }, "dependency answers again");
      else this.#log.warn({ dependency: name, result, err }, "dependency does not answer");
    }
    this.#lastResults.set(name, result);
    return [name, result];
  }

  async #outcome(check: ReadinessCheck): Promise<[CheckResult, unknown?]> {
    const timeout = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<[CheckResult]>((resolve) => {
      timer = setTimeout(() => {
        // Decided before the check hears of it, so that its own complaint about the abort does not count.
        resolve(["timeout"]);
        timeout.abort();
      }, this.#timeoutMs);
    });
    try {
      return await Promise.race([passed(check, timeout.signal), timedOut]);
    } catch (error) {
      return ["failed", error];
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Async, so that a check that throws at once counts as one that rejects. */
async function passed(check: ReadinessCheck, signal: AbortSignal): Promise<[CheckResult]> {
  await check(signal);
  return ["ok"];
}
