import type { RedisLease } from "@veil/leases";
import type { Logger } from "@veil/service-runtime";

export interface ClusterReporterOptions {
  readonly lease: Pick<RedisLease, "acquire" | "release">;
  /** Reads what is reported. */
  readonly read: () => Promise<void>;
  readonly log: Pick<Logger, "info">;
}

/**
 * Settles which collector shows the figures of the whole system, so that they are there once however many collectors run.
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
      // Whoever connects to Redis says that it is away.
    }
    if (this.#reports !== before) log.info({ reports: this.#reports }, "figures of the whole system changed hands");
    if (this.#reports) await read();
  }

  /** Gives the lease back, so that another collector takes over at once. */
  async stop(): Promise<void> {
    if (!this.#reports) return;
    this.#reports = false;
    // Without Redis it runs out by itself.
    await this.#options.lease.release().catch(() => undefined);
  }
}
