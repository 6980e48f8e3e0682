import type { Logger } from "@veil/runtime";

/** What one look at a node's counters shows. */
export interface CounterSigns {
  /** Seconds since the Xray process started. */
  readonly uptimeSeconds: number;
  /**
   * Bytes that the inbounds have sent to clients by their own counters. `null` when none has a counter, "refused" when Xray has
   * no counters at all.
   */
  readonly sent: number | null | "refused";
  /** Whether there are keys that could be in use. */
  readonly hasKeys: boolean;
}

/**
 * A node without counters of its inbounds shows nothing of its use. After this long with keys and not one user's counter,
 * it is more likely that users are not counted than that nobody ever connected.
 */
const LONG_ENOUGH_SECONDS = 3_600;

/**
 * Finds out whether a node counts its users' bytes, which its config asks for in `stats` and `policy` and no call tells.
 *
 * A user has counters from the first connection on, so a node without any may just be new. It is not new when an inbound
 * of it has sent bytes to clients: clients who are refused get none.
 */
export class UserCounterCheck {
  readonly #node: string;
  readonly #log: Pick<Logger, "info" | "warn">;
  #uptimeSeconds = 0;
  /** Whether user counters were seen in this life of the process. */
  #seen = false;
  #uncounted = false;

  constructor(node: string, log: Pick<Logger, "info" | "warn">) {
    this.#node = node;
    this.#log = log;
  }

  /** Whether users are not counted, as far as that is known. It stands until a user's counter is seen. */
  get uncounted(): boolean {
    return this.#uncounted;
  }

  /**
   * Checks again. What changes is logged once.
   *
   * @param hasUserCounters is called only while it is not certain: the answer carries the counters of all users. Signs are to
   *   be read before it.
   */
  async look(signs: CounterSigns, hasUserCounters: () => Promise<boolean>): Promise<void> {
    if (signs.uptimeSeconds < this.#uptimeSeconds) this.#seen = false;
    this.#uptimeSeconds = signs.uptimeSeconds;
    if (this.#seen) return;
    const isDue = isInUse(signs);
    if (!isDue && !this.#uncounted) return;
    this.#seen = signs.sent !== "refused" && (await hasUserCounters());
    if (this.#seen) this.#counts();
    else if (isDue) this.#countsNot(signs);
  }

  #counts(): void {
    if (this.#uncounted) this.#log.info({ node: this.#node }, "the node counts its users' traffic");
    this.#uncounted = false;
  }

  #countsNot({ sent, uptimeSeconds }: CounterSigns): void {
    if (this.#uncounted) return;
    this.#uncounted = true;
    this.#log.warn({ node: this.#node, sent, uptimeSeconds }, "the node does not count its users' traffic");
  }
}

function isInUse({ uptimeSeconds, sent, hasKeys }: CounterSigns): boolean {
  if (sent === "refused") return true;
  return sent === null ? hasKeys && uptimeSeconds > LONG_ENOUGH_SECONDS : sent > 0;
}
