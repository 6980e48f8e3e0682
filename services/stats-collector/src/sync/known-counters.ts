import { type Bytes, DIRECTIONS, isNodeEntity, isSameLife, type Known, type Life } from "@veil/traffic";
import type { Counter } from "@veil/xray-grpc";
import { keyCounter } from "./node-counters.ts";

interface Entry {
  /** `null`: not to be counted, because it is no active key. */
  known: Known | null;
  /** When the ledger was last asked about it. Unix milliseconds. */
  readonly askedAt: number;
}

/**
 * What one collector knows of the ledger in the running epoch of one node, so that a reading that changes little costs
 * little. It saves work and decides nothing: what it knows is a lower bound of what the ledger holds, see `Known`, and a
 * value below it makes the collector ask again before it believes in a counter reset.
 */
export class KnownCounters {
  #life: Life | null = null;
  readonly #entries = new Map<string, Entry>();
  /** Values of keys' counters that the ledger holds already, by the counters' names: nearly all of them, nearly always. */
  readonly #recorded = new Map<string, number>();

  /** Forgets everything when the node shows another life. */
  begin(life: Life): void {
    if (this.#life !== null && isSameLife(life, this.#life)) return;
    this.#life = life;
    this.#entries.clear();
    this.#recorded.clear();
  }

  /** `undefined`: ask the ledger; `null`: not to be counted. */
  get(entity: string): Known | null | undefined {
    return this.#entries.get(entity)?.known;
  }

  /** Takes in an answer of the ledger. */
  learn(entity: string, known: Known | null, askedAt: number): void {
    this.#entries.set(entity, { known, askedAt });
  }

  /** Takes in what was written. */
  raise(entity: string, known: Known): void {
    const entry = this.#entries.get(entity);
    if (entry !== undefined) entry.known = known;
  }

  /** Makes the next reading ask the ledger about an entity. */
  forget(entity: string): void {
    this.#entries.delete(entity);
    if (isNodeEntity(entity)) return;
    for (const direction of DIRECTIONS) this.#recorded.delete(keyCounter(Number(entity), direction));
  }

  /** Takes in that the ledger needs nothing more of what was read. */
  markRecorded(entity: string, bytes: Partial<Bytes>): void {
    if (isNodeEntity(entity)) return;
    for (const direction of DIRECTIONS) {
      const value = bytes[direction];
      if (value !== undefined) this.#recorded.set(keyCounter(Number(entity), direction), value);
    }
  }

  /** The counters that have another value than the recorded one. */
  unrecorded(counters: readonly Counter[]): Counter[] {
    return counters.filter(({ name, value }) => this.#recorded.get(name) !== value);
  }

  /** Whether the ledger was asked about an entity before a moment. */
  wasAskedBefore(entity: string, moment: number): boolean {
    const entry = this.#entries.get(entity);
    return entry !== undefined && entry.askedAt < moment;
  }
}
