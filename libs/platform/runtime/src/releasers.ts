import type { Clock } from "./clock.ts";
import type { Logger } from "./create-logger.ts";

/**
 * The groups of releasers, in the order of their release:
 *
 * 1. `intake`: what takes work from outside, that is queue workers and the public HTTP listener. Its releasers resolve
 *    when everything taken is finished or handed back.
 * 2. `loops`: what works by itself, that is periodic tasks, reconcilers, leases.
 * 3. `connections`: what the work needed, that is clients of databases, queues and nodes.
 * 4. `ops`: probes and metrics, so that the stop can be watched to its end.
 */
export const RELEASE_ORDER = ["intake", "loops", "connections", "ops"] as const;

export type ReleaseGroup = (typeof RELEASE_ORDER)[number];

/**
 * Gives back what was opened.
 * @param deadlineSignal Aborted when time runs short: cut off or hand back what is still in progress.
 */
export type Release = (deadlineSignal: AbortSignal) => Promise<unknown> | void;

interface Releaser {
  readonly name: string;
  readonly release: Release;
}

/** The part of the deadline after which releasers receive the deadline signal. */
const DEADLINE_SIGNAL_AFTER = 0.8;

/** Everything that was opened, and the way to close it in order under one deadline. */
export class Releasers {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #deadlineSignal = new AbortController();
  readonly #opened = new Map<ReleaseGroup, Releaser[]>(RELEASE_ORDER.map((group) => [group, []]));
  readonly #underWay = new Map<Releaser, Promise<void>>();

  constructor({ log, clock }: { log: Logger; clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Remembers what was opened. When its group has had its turn already, it is released at once. */
  add(group: ReleaseGroup, name: string, release: Release): void {
    const waiting = this.#opened.get(group);
    if (waiting === undefined) void this.#release({ name, release });
    else waiting.push({ name, release });
  }

  /**
   * Releases the groups in order, the members of a group in parallel. At 80 % of the deadline everybody receives
   * the deadline signal, and from then on a group, the one in progress included, gets only its share of the rest before the next has
   * its turn. A releaser that fails is logged and counts as done.
   * @returns the names of those that were not done at the deadline.
   */
  async releaseAll(deadlineMs: number): Promise<string[]> {
    const done = new AbortController();
    const signaled = this.#clock
      .sleep(deadlineMs * DEADLINE_SIGNAL_AFTER, done.signal)
      .then(() => this.#deadlineSignal.abort());
    const shareMs = (deadlineMs * (1 - DEADLINE_SIGNAL_AFTER)) / (RELEASE_ORDER.length + 1);

    for (const group of RELEASE_ORDER) {
      await this.#within(shareMs, signaled, this.#releaseGroup(group));
    }
    // Parts that were opened after their group's turn, and stragglers of a group that ran out of time.
    await this.#within(shareMs, signaled, Promise.all(this.#underWay.values()));

    done.abort();
    return [...this.#underWay.keys()].map(({ name }) => name);
  }

  /** Waits for the work until the deadline signal, and for a share of the rest after that. */
  async #within(shareMs: number, signaled: Promise<void>, work: Promise<unknown>): Promise<void> {
    await Promise.race([work, signaled]);
    if (!this.#deadlineSignal.signal.aborted) return;
    const finished = new AbortController();
    await Promise.race([work, this.#clock.sleep(shareMs, finished.signal)]);
    finished.abort();
  }

  async #releaseGroup(group: ReleaseGroup): Promise<void> {
    const releasers = this.#opened.get(group) ?? [];
    this.#opened.delete(group);
    await Promise.all(releasers.map((releaser) => this.#release(releaser)));
  }

  #release(releaser: Releaser): Promise<void> {
    const released = this.#releaseAndLog(releaser).finally(() => this.#underWay.delete(releaser));
    this.#underWay.set(releaser, released);
    return released;
  }

  async #releaseAndLog({ name, release }: Releaser): Promise<void> {
    this.#log.debug({ resource: name }, "releasing");
    try {
      await release(this.#deadlineSignal.signal);
    } catch (err) {
      this.#log.error({ err, resource: name }, "release failed");
    }
  }
}
