import { type OpenQueues, readQueueFigures } from "@veil/job-queue";
import { leaseKey, type Redis, RedisLease } from "@veil/redis";
import { lastingFailure, type Logger, type RunningService, runPeriodically } from "@veil/runtime";
import type { XrayNode } from "@veil/xray-grpc";
import { ClusterFigures, type ClusterFiguresOptions, type ShownNode } from "./cluster-figures.ts";

export interface ClusterReportOptions
  extends Pick<ClusterFiguresOptions, "countKeys" | "readWebhooks" | "topUsers" | "clock"> {
  readonly queues: OpenQueues;
  /** The nodes that there are at each moment. */
  readonly nodes: () => readonly { readonly xray: XrayNode; readonly metered: ShownNode }[];
  readonly redis: Redis;
  /** The prefix of all keys in Redis. */
  readonly prefix: string;
  readonly log: Logger;
}

/** This collector's report of the whole system; null while another one shows it. */
export type ClusterReport = () => {
  readonly figures: ClusterFigures;
  readonly isReachable: (node: string) => boolean;
} | null;

const REPORT_EVERY_MS = 2_000;
/** So long nobody shows the figures of the whole system when the one who did has died. */
const REPORTER_LEASE_MS = 3 * REPORT_EVERY_MS;

/** Reads the figures of the whole system until the service stops, whenever it is this collector's turn. */
export function startClusterReport(running: RunningService, options: ClusterReportOptions): ClusterReport {
  const { countKeys, readWebhooks, topUsers, clock, queues, nodes, redis, prefix, log } = options;
  const readQueues = async () => readQueueFigures(await queues.all());
  const shownNodes = () => nodes().map(({ metered }) => metered);
  const figures = new ClusterFigures({ countKeys, readQueues, readWebhooks, nodes: shownNodes, topUsers, clock, log });
  const lease = new RedisLease(redis, leaseKey(prefix, "reporter"), REPORTER_LEASE_MS);
  const reporter = new ClusterReporter({ lease, read: () => figures.read(), log });
  const reporting = runPeriodically({
    everyMs: REPORT_EVERY_MS,
    // After the workers' first look at the keys: users wait for that one.
    firstRun: "later",
    task: () => reporter.tick(),
    ...lastingFailure(log, "could not read the figures of the whole system"),
  });
  running.onStop("loops", "reporter", async () => {
    await reporting.stop();
    await reporter.stop();
  });
  const isReachable = (name: string) => nodes().some(({ xray }) => xray.name === name && xray.reachable);
  return () => (reporter.reports ? { figures, isReachable } : null);
}

export interface ClusterReporterOptions {
  readonly lease: Pick<RedisLease, "acquire" | "release">;
  /** Reads what is reported. */
  readonly read: () => Promise<void>;
  readonly log: Pick<Logger, "info">;
}

/**
 * Elects the collector that shows the figures of the whole system, so that they are there once however many collectors run.
 *
 * While Redis is away the one that has shown them goes on: then they are wanted most, and nobody else can take over.
 */
export class ClusterReporter {
  readonly #options: ClusterReporterOptions;
  #reports = false;

  constructor(options: ClusterReporterOptions) {
    this.#options = options;
  }

  /** Whether this collector shows them. */
  get reports(): boolean {
    return this.#reports;
  }

  /** Takes or keeps the lease, and reads when it is held. */
  async tick(): Promise<void> {
    const { lease, log, read } = this.#options;
    const before = this.#reports;
    try {
      this.#reports = (await lease.acquire()) !== null;
    } catch {
      // The connection to Redis reports by itself that it is away.
    }
    if (this.#reports !== before) log.info({ reports: this.#reports }, "cluster metrics leader changed");
    if (this.#reports) await this.#readUnderLease(read);
  }

  /** However long it takes: two that report would be two figures of the one system. */
  async #readUnderLease(read: () => Promise<void>): Promise<void> {
    const { lease } = this.#options;
    let kept: Promise<unknown> = Promise.resolve();
    const keeping = setInterval(() => {
      kept = lease.acquire().catch(() => undefined);
    }, REPORT_EVERY_MS);
    try {
      await read();
    } finally {
      clearInterval(keeping);
      await kept;
    }
  }

  /** Gives the lease back, so that another collector takes over at once. */
  async stop(): Promise<void> {
    if (!this.#reports) return;
    this.#reports = false;
    // Without Redis it runs out by itself.
    await this.#options.lease.release().catch(() => undefined);
  }
}
