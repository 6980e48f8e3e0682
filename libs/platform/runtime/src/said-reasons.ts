/** Reasons of one condition that are said; beyond them it is more noise than news. */
const MOST_REASONS = 8;

/**
 * An obstacle in words that stay the same for as long as it is the same: with other words it is another one. Of all other errors the
 * numbers in the text say nothing, as they often are a time or a port, which differ each time.
 */
export class ObstacleError extends Error {
  override readonly name: string = "ObstacleError";
}

/**
 * The reasons for which a condition lasts: each is news once until it ends, so that one that joins the first is heard, and two that take
 * turns fill no log.
 */
export class SaidReasons {
  readonly #said = new Set<string>();

  /** Whether this reason is said for the first time since the condition began. It counts as said from then on. */
  isNew(err: unknown): boolean {
    const reason = reasonOf(err);
    if (this.#said.has(reason) || this.#said.size >= MOST_REASONS) return false;
    this.#said.add(reason);
    return true;
  }

  /** The condition is over. @returns whether there was one */
  end(): boolean {
    const wasSaid = this.#said.size > 0;
    this.#said.clear();
    return wasSaid;
  }
}

/** Kinds, codes and texts down to the first cause. */
function reasonOf(err: unknown): string {
  if (!(err instanceof Error)) return typeof err;
  const code = "code" in err ? String(err.code) : "";
  const text = err instanceof ObstacleError ? err.message : err.message.replaceAll(/\d+(?:\.\d+)*/g, "#");
  return `${err.name} ${code} ${text} ${err.cause === undefined ? "" : reasonOf(err.cause)}`;
}
