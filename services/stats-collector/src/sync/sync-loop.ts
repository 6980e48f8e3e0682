import { type Clock, lastingFailure, type Logger, runPeriodically, type Stoppable } from "@veil/runtime";
import {
  type Bytes,
  NO_BYTES,
  type NodeLives,
  type NodeLivesStore,
  nodeEntity,
  totals,
  type TrafficStore,
} from "@veil/traffic";
import { DuplicateNodeError } from "./duplicate-nodes.ts";
import { NodeSync, type NodeSyncOptions } from "./node-sync.ts";

/** How a node stands in MongoDB, whichever collector read it last. */
export interface NodeReport {
  readonly node: string;
  /** When it was last read. Unix milliseconds. */
  readonly seenAt: number;
  readonly restarts: number;
  /** What its inbounds have carried in all. */
  readonly carried: Bytes;
}

export interface SyncLoopOptions {
  readonly sync: Pick<NodeSync, "node" | "run">;
  readonly lives: Pick<NodeLivesStore, "find">;
  readonly records: Pick<TrafficStore, "find">;
  readonly everyMs: number;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly log: Pick<Logger, "debug" | "info" | "warn">;
  readonly onReport: (report: NodeReport) => void;
}

/** A node that was read within this part of the interval is left to whoever read it. */
const RECENTLY = 0.8;

/**
 * Keeps one node's bytes coming into the ledger.
 *
 * Every replica looks; the one that comes first after an interval reads, and goes on being first. Two that read at once
 * do the work twice and count once.
 */
export class SyncLoop {
  readonly #options: SyncLoopOptions;
  #isFailing = false;
  /** Of how many entities the store refused the traffic last. */
  #refused = 0;

  constructor(options: SyncLoopOptions) {
    this.#options = options;
  }

  /**
   * One look, and a reading if one is due.
   *
   * @throws {StoreUnavailableError} when the store is away
   */
  async tick(): Promise<void> {
    const { lives, sync } = this.#options;
    if (!this.#isRecent(await lives.find(sync.node))) await this.#read();
    await this.#report();
  }

  /**
   * Reads the node a last time, whoever read it before: what Xray counts from here on nobody may read before it ends, too.
   * Never rejects.
   *
   * @param isReachable whether the node answered last; one that did not is left alone
   * @param deadlineSignal aborted when the stop can't wait for it any longer
   */
  async finish(isReachable: () => boolean, deadlineSignal: AbortSignal): Promise<void> {
    if (!isReachable() || deadlineSignal.aborted) return;
    const cutOff = new Promise((resolve) => deadlineSignal.addEventListener("abort", resolve, { once: true }));
    await Promise.race([this.#read(), cutOff]);
  }

  /** A time that lies ahead comes from a clock that is wrong, so it is no reason to wait. */
  #isRecent(lives: NodeLives | null): boolean {
    const { clock, everyMs } = this.#options;
    const age = clock.now() - (lives?.seenAt ?? 0);
    return age >= 0 && age < everyMs * RECENTLY;
  }

  async #read(): Promise<void> {
    const { sync, clock, log } = this.#options;
    const { node } = sync;
    const begun = clock.monotonic();
    try {
      const { changed, refused } = await sync.run();
      const durationMs = clock.monotonic() - begun;
      const isNews = refused.size !== this.#refused;
      if (refused.size > 0) {
        log[isNews ? "warn" : "debug"]({ node, refused: refused.size }, "the store refused traffic of some keys");
      } else log[this.#isFailing || isNews ? "info" : "debug"]({ node, changed, durationMs }, "the node was read");
      this.#isFailing = false;
      this.#refused = refused.size;
    } catch (err) {
      // Said once, and louder, by who found it.
      if (err instanceof DuplicateNodeError) return;
      log[this.#isFailing ? "debug" : "warn"]({ node, err }, "the node could not be read");
      this.#isFailing = true;
    }
  }

  async #report(): Promise<void> {
    const { sync, lives, records, onReport } = this.#options;
    const { node } = sync;
    const [found, record] = await Promise.all([lives.find(node), records.find(nodeEntity(node))]);
    if (found === null) return;
    const carried = record === null ? NO_BYTES : totals(record);
    onReport({ node, seenAt: found.seenAt, restarts: found.restarts, carried });
  }
}

export interface SyncOptions extends Omit<NodeSyncOptions, "records" | "lives"> {
  readonly records: TrafficStore;
  readonly lives: NodeSyncOptions["lives"] & SyncLoopOptions["lives"];
  readonly everyMs: number;
  readonly log: Logger;
  readonly onReport: SyncLoopOptions["onReport"];
  /** Whether the node answered last. */
  readonly isReachable: () => boolean;
}

/**
 * Keeps the bytes of a node coming into the ledger until the node goes or the service stops, the last of them in the stop itself.
 *
 * @returns the way to read the node at once
 */
export function startSync(part: Stoppable, options: SyncOptions): NodeSync {
  const { node, everyMs, log, isReachable } = options;
  const sync = new NodeSync(options);
  const loop = new SyncLoop({ ...options, sync });
  const ticking = runPeriodically({
    everyMs,
    task: () => loop.tick(),
    ...lastingFailure(log, "could not look after the node's traffic", { node: node.name }),
  });
  part.onStop("loops", `sync ${node.name}`, async (deadlineSignal) => {
    // A tick under way may have read already; the last reading begins after it.
    await Promise.all([ticking.stop(), loop.finish(isReachable, deadlineSignal)]);
  });
  return sync;
}
