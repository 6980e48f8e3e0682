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
  get(meter: string): Known | null | undefined {
    return this.#entries.get(meter)?.known;
  }

  /** Takes in an answer of the ledger. */
  learn(meter: string, known: Known | null, askedAt: number): void {
    this.#entries.set(meter, { known, askedAt });
  }

  /** Takes in what was written. */
  raise(meter: string, known: Known): void {
    const entry = this.#entries.get(meter);
    if (entry !== undefined) entry.known = known;
  }

  /** Makes the next reading ask the ledger about a meter. */
  forget(meter: string): void {
    this.#entries.delete(meter);
    if (isNodeEntity(meter)) return;
    for (const direction of DIRECTIONS) this.#recorded.delete(keyCounter(Number(meter), direction));
  }

  /** Takes in that the ledger needs nothing more of what was read. */
  markRecorded(meter: string, bytes: Partial<Bytes>): void {
    if (isNodeEntity(meter)) return;
    for (const direction of DIRECTIONS) {
      const value = bytes[direction];
      if (value !== undefined) this.#recorded.set(keyCounter(Number(meter), direction), value);
    }
  }

  /** The counters that have another value than the recorded one. */
  unrecorded(counters: readonly Counter[]): Counter[] {
    return counters.filter(({ name, value }) => this.#recorded.get(name) !== value);
  }

  /** Whether the ledger was asked about a meter before a moment. */
  wasAskedBefore(meter: string, moment: number): boolean {
    const entry = this.#entries.get(meter);
    return entry !== undefined && entry.askedAt < moment;
  }
}
