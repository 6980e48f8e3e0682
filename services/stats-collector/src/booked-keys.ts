import { coerceError, lastingFailure, type LastingFailure, type Logger } from "@veil/runtime";
import {
  type Bytes,
  figuresOf,
  isNodeEntity,
  keyEntity,
  type LedgerUpdate,
  readable,
  type TrafficRecord,
  type TrafficStore,
} from "@veil/traffic";

/** A key whose stored figures have changed. */
export interface BookedKey {
  readonly keyId: number;
  /** All bytes that ever counted, on all nodes. */
  readonly lifetime: Bytes;
  /** Those since the last reset of the ledger. `figuresOf` takes off what the key's document decided about resets. */
  readonly used: Bytes;
  /** When the first bytes were counted. Unix seconds, `null` when nobody noted it. */
  readonly firstCountedAt: number | null;
  /** The record, as it was read after the change. */
  readonly record: TrafficRecord;
}

export type BookedListener = (keys: readonly BookedKey[]) => Promise<void> | void;

export interface BookedKeysOptions {
  readonly records: Pick<TrafficStore, "findMany">;
  /** Those of the keys that anybody wants to hear of: only their records are read again. */
  readonly among: (keyIds: readonly number[]) => Promise<readonly number[]>;
  readonly log: Pick<Logger, "error" | "info" | "warn">;
}

/**
 * Tells who listens which keys have moved, with their figures over all nodes: they are read again after the write, as other
 * collectors may have written other nodes' bytes. Keys that change meanwhile are named together, next. No sync waits for it.
 *
 * A key that was not named because the process ended, or a listener or the store failed, is named when it moves again.
 */
export class BookedKeys {
  readonly #options: BookedKeysOptions;
  readonly #failure: LastingFailure;
  readonly #listeners: BookedListener[] = [];
  #pending = new Set<string>();
  #telling: Promise<void> | null = null;

  constructor(options: BookedKeysOptions) {
    this.#options = options;
    this.#failure = lastingFailure(options.log, "keys that moved could not be looked at");
  }

  /** @param listener is called once after every sync that changed keys; what it throws is logged, once while that lasts */
  listen(listener: BookedListener): void {
    this.#listeners.push(listener);
  }

  /** Takes in what has been written to the ledger. Costs nothing while nobody listens. */
  booked(updates: readonly LedgerUpdate[]): void {
    if (this.#listeners.length === 0) return;
    for (const { entity } of updates) if (!isNodeEntity(entity)) this.#pending.add(entity);
    if (this.#pending.size > 0) this.#telling ??= this.#tell();
  }

  /** Ends when what was booked before has been named. */
  async untilNamed(): Promise<void> {
    await this.#telling;
  }

  async #tell(): Promise<void> {
    const { records, among } = this.#options;
    while (this.#pending.size > 0) {
      const pending = this.#pending;
      this.#pending = new Set();
      try {
        const wanted = await among([...pending].map(Number));
        if (wanted.length === 0) continue;
        const keys = [...readable(await records.findMany(wanted.map(keyEntity))).values()].map(bookedKey);
        await Promise.all(this.#listeners.map(async (listener) => listener(keys)));
        this.#failure.onSuccess();
      } catch (error) {
        this.#failure.onError(coerceError(error));
      }
    }
    this.#telling = null;
  }
}

function bookedKey(record: TrafficRecord): BookedKey {
  const { lifetime, used, firstCountedAt } = figuresOf(record);
  return { keyId: Number(record.entity), lifetime, used, firstCountedAt, record };
}
