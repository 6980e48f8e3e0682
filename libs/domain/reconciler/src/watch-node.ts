/** What a health probe at a node shows, cheap enough for every second. */
export interface HealthProbe {
  readonly users: number;
  /** Seconds since the Xray process started; whole seconds. */
  readonly uptime: number;
}

/** When a pass that could not repair everything is followed by the next one. */
const AGAIN_AFTER_MS = 5_000;

/** Why a pass is due. */
export type PassReason = "start" | "period" | "restart" | "emptied" | "back";

/**
 * Decides from one health probe to the next whether a node must be reconciled now rather than at the next period.
 *
 * Level-based: nothing is remembered but what the last health probe saw and the last pass left, and a missed event is repaired by
 * the period.
 */
export class NodeWatch {
  readonly #periodMs: number;
  #last: HealthProbe | null = null;
  #away = false;
  #passedAt: number | null = null;
  /** How many users the node had before it lost them, until a pass of this process begins to put them back. */
  #lost: number | null = null;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** The node did not answer. */
  lost(): void {
    this.#away = true;
  }

  /** The node answered; the reason why a pass is due, null when none is. `now` in milliseconds. */
  seen(probe: HealthProbe, now: number): PassReason | null {
    const last = this.#last;
    const wasAway = this.#away;
    this.#last = probe;
    this.#away = false;
    if (this.#passedAt === null) return "start";
    if (last !== null && probe.uptime < last.uptime) return this.#due("restart", last, probe);
    if (last !== null && probe.users * 2 <= last.users && last.users > 0) return this.#due("emptied", last, probe);
    if (wasAway) return this.#due("back");
    if (this.#lost !== null && probe.users >= this.#lost) this.#mendedByAnother(now);
    return now - this.#passedAt >= this.#periodMs ? "period" : null;
  }

  /** A pass of this process has begun: from now on its end alone counts. */
  began(): void {
    this.#lost = null;
  }

  /**
   * A pass has ended well and left so many users. What it had to postpone is mostly held by a process that died, and free
   * after some seconds.
   */
  passed(now: number, { postponed, users }: { readonly postponed: number; readonly users: number }): void {
    const pauseMs = postponed > 0 ? Math.min(this.#periodMs, AGAIN_AFTER_MS) : this.#periodMs;
    this.#passedAt = now - this.#periodMs + pauseMs;
    // The health probe that called for it may have seen none: a node that loses them again at once must be found out, too.
    if (this.#last !== null) this.#last = { ...this.#last, users: Math.max(this.#last.users, users) };
  }

  /** Until a pass ends well the reason stands, also when this one fails. */
  #due(reason: PassReason, before?: HealthProbe, now?: HealthProbe): PassReason {
    this.#passedAt = Number.NEGATIVE_INFINITY;
    if (before !== undefined && now !== undefined && now.users < before.users) this.#lost = before.users;
    return reason;
  }

  /** The users are there again before this process came to it: a second pass would only read everything once more. */
  #mendedByAnother(now: number): void {
    this.#lost = null;
    this.#passedAt = now;
  }
}
