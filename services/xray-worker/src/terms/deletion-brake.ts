import type { Clock, Logger } from "@veil/runtime";

/** So many keys may be deleted whatever part they are of all. */
const ALWAYS_ALLOWED = 50;
/** A clock that was set wrong is set right within a day, or somebody has read what the log says. */
const SECOND_LOOK_MS = 24 * 60 * 60_000;

export interface DeletionBrakeOptions {
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Pick<Logger, "error">;
}

/** Keeps most keys from being deleted as expired at once: a clock that jumps ahead makes them look so, and nothing brings them back. */
export class DeletionBrake {
  readonly #options: DeletionBrakeOptions;
  /** When most keys looked so first, by the monotonic clock; null while they don't. */
  #since: number | null = null;

  constructor(options: DeletionBrakeOptions) {
    this.#options = options;
  }

  /** Whether so many keys may be deleted: always when they are few, and most of all once this process has found so for a day. */
  allows(keys: number, ofAll: number): boolean {
    const { clock, log } = this.#options;
    if (keys <= ALWAYS_ALLOWED || keys * 2 <= ofAll) {
      this.#since = null;
      return true;
    }
    const isFirstLook = this.#since === null;
    this.#since ??= clock.monotonic();
    if (clock.monotonic() - this.#since >= SECOND_LOOK_MS) return true;
    if (isFirstLook) {
      log.error(
        { keys, ofAll },
        "most keys would be deleted as expired: none is for a day, so that a clock that is wrong can be set right; to keep them, unset DELETE_EXPIRED_AFTER_DAYS",
      );
    }
    return false;
  }
}
