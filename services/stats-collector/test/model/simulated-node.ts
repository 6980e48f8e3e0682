import { type Direction, DIRECTIONS } from "@veil/traffic";
import type { Counter } from "@veil/xray-grpc";
import { inboundCounter, keyCounter } from "../../src/sync/node-counters.ts";

/** A collector's reading of one counter, and the life of the process it is from. */
export interface ReadValue {
  readonly node: SimulatedNode;
  readonly life: number;
  readonly name: string;
  readonly value: number;
}

/** An Xray as far as its counters go, and what can be truly said of them. */
export class SimulatedNode {
  readonly name: string;
  readonly counters = new Map<string, number>();
  mark: string | null = null;
  life = 0;
  startedAt = 0;
  isAway = false;
  /** What its bytes count as. A collector hears of a change some steps later. */
  multiplier = 1;
  /** By counter name: the largest value of this life whose reading has been written. */
  readonly #credited = new Map<string, number>();
  /** By counter name: all that was ever counted. */
  readonly moved = new Map<string, number>();
  /** By counter name: what was counted after the last complete reading before the counter died. */
  readonly lost = new Map<string, number>();

  constructor(name: string) {
    this.name = name;
  }

  uptimeSeconds(now: number): number {
    return Math.floor((now - this.startedAt) / 1000);
  }

  query(pattern: string): Counter[] {
    return [...this.counters].filter(([name]) => name.includes(pattern)).map(([name, value]) => ({ name, value }));
  }

  move(keyId: number, direction: Direction, bytes: number): void {
    for (const name of [keyCounter(keyId, direction), inboundCounter(inboundOf(keyId), direction)]) {
      this.counters.set(name, (this.counters.get(name) ?? 0) + bytes);
      add(this.moved, name, bytes);
    }
  }

  restart(now: number): void {
    for (const name of this.counters.keys()) this.#lose(name);
    this.counters.clear();
    this.mark = null;
    this.life += 1;
    this.startedAt = now;
  }

  /** Somebody else resets one counter. */
  resetCounter(keyId: number, direction: Direction): void {
    const name = keyCounter(keyId, direction);
    if (!this.counters.has(name)) return;
    this.#lose(name);
    this.counters.set(name, 0);
  }

  credit({ name, life, value }: ReadValue): void {
    if (life === this.life) this.#credited.set(name, Math.max(value, this.#credited.get(name) ?? 0));
  }

  #lose(name: string): void {
    add(this.lost, name, (this.counters.get(name) ?? 0) - (this.#credited.get(name) ?? 0));
    this.#credited.delete(name);
  }
}

/** Every simulated node has these, and its keys use them by turns. */
export const INBOUND_TAGS = ["vless-in", "trojan.in"] as const;

function inboundOf(keyId: number): string {
  return keyId % 2 === 0 ? INBOUND_TAGS[1] : INBOUND_TAGS[0];
}

/** The names of a key's or (without one) the inbounds' counters. */
export function counterNames(keyId: number | null): string[] {
  return DIRECTIONS.flatMap((direction) =>
    keyId === null ? INBOUND_TAGS.map((tag) => inboundCounter(tag, direction)) : [keyCounter(keyId, direction)],
  );
}

function add(sums: Map<string, number>, name: string, bytes: number): void {
  sums.set(name, (sums.get(name) ?? 0) + bytes);
}
