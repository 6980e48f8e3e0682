import type { Logger } from "./create-logger.ts";
import type { PeriodicOptions } from "./periodic.ts";

export interface LastingFailure extends Required<Pick<PeriodicOptions, "onError" | "onSuccess">> {
  /** It failed. @param level "warn" when absent */
  readonly onError: (err: Error, level?: "warn" | "error") => void;
  /** It worked; false says that nothing was tried. */
  readonly onSuccess: (result?: unknown) => void;
}

/**
 * Logs something that fails again and again when it begins, when the reason becomes another one, and when it works again:
 * what lasts for a night must not fill the disk, nor hide what else is said.
 *
 * @param message what is said of each new reason, with the error
 */
export function lastingFailure(
  log: Pick<Logger, "warn" | "error" | "info">,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): LastingFailure {
  let said: string | null = null;
  let failures = 0;
  return {
    onError: (err, level = "warn") => {
      failures += 1;
      const reason = reasonOf(err);
      if (reason === said) return;
      said = reason;
      log[level]({ ...fields, err }, message);
    },
    onSuccess: (result) => {
      if (said === null || result === false) return;
      log.info({ ...fields, failed: message, failures }, "recovered");
      said = null;
      failures = 0;
    },
  };
}

/** Kinds and codes down to the first cause: texts often name a time or a port, which differ each time. */
function reasonOf(err: unknown): string {
  if (!(err instanceof Error)) return typeof err;
  const code = "code" in err ? String(err.code) : "";
  return `${err.name} ${code} ${err.cause === undefined ? "" : reasonOf(err.cause)}`;
}
