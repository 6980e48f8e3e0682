import type { Clock } from "@veil/service-runtime";
import type { TrafficRecord, TrafficStore } from "@veil/traffic-ledger";
import { compact, needsCompaction } from "@veil/traffic-ledger";

/** How long one pass may take. Replacing a record is the one write whose cost may grow with the number of records. */
const PASS_MS = 1_000;

/** Remembers records that have grown, and writes them shorter when there is time. */
export class RecordCompactor {
  readonly #records: Pick<TrafficStore, "find" | "replace">;
  readonly #clock: Pick<Clock, "now">;
  readonly #grown = new Set<string>();

  constructor(records: Pick<TrafficStore, "find" | "replace">, clock: Pick<Clock, "now">) {
    this.#records = records;
    this.#clock = clock;
  }

  /** Looks at a record that somebody read anyway. */
  notice(record: TrafficRecord): void {
    if (needsCompaction(record)) this.#grown.add(record.subject);
  }

  /**
   * Compacts for about a second. A record that changes meanwhile stays for the next pass.
   *
   * @returns how many were compacted
   * @throws StoreUnavailableError
   */
  async pass(): Promise<number> {
    const end = this.#clock.now() + PASS_MS;
    let compacted = 0;
    for (const subject of this.#grown) {
      if (this.#clock.now() >= end) break;
      const record = await this.#records.find(subject);
      if (record === null || !needsCompaction(record)) this.#grown.delete(subject);
      else if (await this.#records.replace(record, compact(record))) {
        this.#grown.delete(subject);
        compacted += 1;
      }
    }
    return compacted;
  }
}
