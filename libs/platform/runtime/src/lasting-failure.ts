import type { PeriodicOptions } from "./periodic.ts";
import { SaidReasons } from "./said-reasons.ts";

/** Where it is said. */
type FailureLog = Readonly<Record<"info" | "warn" | "error", (fields: object, message: string) => void>>;

export interface LastingFailure extends Required<Pick<PeriodicOptions, "onError" | "onSuccess">> {
  /** It failed. @param level "warn" when absent */
  readonly onError: (err: Error, level?: "warn" | "error") => void;
  /** It worked; false says that nothing was tried. */
  readonly onSuccess: (result?: unknown) => void;
}

/**
 * Logs something that fails again and again when it begins, for each reason once, and when it works again: what lasts for a night
 * must not fill the disk, nor hide what else is said. See {@link SaidReasons}.
 *
 * @param message what is said of each new reason, with the error
 */
export function lastingFailure(
  log: FailureLog,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): LastingFailure {
  const said = new SaidReasons();
  let failures = 0;
  return {
    onError: (err, level = "warn") => {
      failures += 1;
      if (said.isNew(err)) log[level]({ ...fields, err }, message);
    },
    onSuccess: (result) => {
      if (failures === 0 || result === false) return;
      log.info({ ...fields, failed: message, failures }, "recovered");
      said.end();
      failures = 0;
    },
  };
}

/** {@link lastingFailure} of several things of one kind, each by its name. */
export class LastingFailures {
  readonly #log: FailureLog;
  readonly #message: string;
  readonly #known = new Map<string, LastingFailure>();

  constructor(log: FailureLog, message: string) {
    this.#log = log;
    this.#message = message;
  }

  /** Those that failed, and neither worked again nor were forgotten. */
  get names(): string[] {
    return [...this.#known.keys()];
  }

  /** @param fields what is logged with it, the same each time @param level "warn" when absent */
  onError(name: string, fields: Readonly<Record<string, unknown>>, err: Error, level?: "warn" | "error"): void {
    const failure = this.#known.get(name) ?? lastingFailure(this.#log, this.#message, fields);
    this.#known.set(name, failure);
    failure.onError(err, level);
  }

  onSuccess(name: string): void {
    this.#known.get(name)?.onSuccess();
    this.#known.delete(name);
  }

  /** Without a word: it failed for the last time, or is no more. */
  forget(name: string): void {
    this.#known.delete(name);
  }
}
