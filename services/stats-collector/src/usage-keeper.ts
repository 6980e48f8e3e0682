import type { SharedClock } from "@veil/runtime";
import {
  foldUsage,
  hourValuesOf,
  type LedgerUpdate,
  needsFolding,
  readable,
  type TrafficRecord,
  type TrafficStore,
  type UsageStore,
} from "@veil/traffic";

export interface UsageKeeperOptions {
  readonly records: Pick<TrafficStore, "findMany" | "trimHours">;
  readonly usage: Pick<UsageStore, "readMany" | "writeMany">;
  /** How many days are kept. */
  readonly days: number;
  /** A clock that jumps ahead must not make all of the past too old to be kept. */
  readonly clock: Pick<SharedClock, "earliest">;
}

const HOUR_MS = 3_600_000;
const FOLDED_AT_ONCE = 500;

/** Remembers which entities move, and puts their hours that are over into the history before their records grow large. */
export class UsageKeeper {
  readonly #options: UsageKeeperOptions;
  /** The first hour since its last folding in which an entity moved. */
  readonly #movedSince = new Map<string, number>();
  readonly #grown = new Set<string>();

  constructor(options: UsageKeeperOptions) {
    this.#options = options;
  }

  /** Takes in what has been written to the ledger. */
  booked(updates: readonly LedgerUpdate[]): void {
    for (const update of updates) {
      const hour = hourValuesOf(update)?.hour;
      if (hour !== undefined && !this.#movedSince.has(update.entity)) this.#movedSince.set(update.entity, hour);
    }
  }

  /** Looks at a record that somebody read anyway. */
  notice(record: TrafficRecord): void {
    if (needsFolding(record, this.#hour)) this.#grown.add(record.entity);
  }

  /**
   * Folds the records of some entities that are due; the others wait for the next pass. Where the history is refused, or makes no
   * sense, the record keeps its hours until it is noticed again.
   *
   * @returns how many were folded
   * @throws {StoreUnavailableError} when the store is away
   */
  async pass(): Promise<number> {
    const { records, usage, days } = this.#options;
    const hour = this.#hour;
    const due = this.#due(hour);
    if (due.length === 0) return 0;
    const [found, histories] = [readable(await records.findMany(due)), await usage.readMany(due)];
    const folded = [...found.values()]
      .filter((record) => needsFolding(record, hour))
      .flatMap((record) => {
        const history = histories.get(record.entity) ?? null;
        return history === "unreadable" ? [] : (foldUsage(record, history, hour, days) ?? []);
      });
    const refused = await usage.writeMany(folded.map(({ history }) => history));
    const stored = folded.filter(({ history }) => !refused.has(history.entity));
    await records.trimHours(stored.map(({ trim }) => trim));
    for (const entity of due) {
      this.#movedSince.delete(entity);
      this.#grown.delete(entity);
    }
    return stored.length;
  }

  get #hour(): number {
    return Math.floor(this.#options.clock.earliest() / HOUR_MS);
  }

  #due(hour: number): string[] {
    const due = [...this.#grown].slice(0, FOLDED_AT_ONCE);
    for (const [entity, since] of this.#movedSince) {
      if (due.length >= FOLDED_AT_ONCE) break;
      if (hour > since && !this.#grown.has(entity)) due.push(entity);
    }
    return due;
  }
}
