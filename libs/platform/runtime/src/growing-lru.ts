import { LRUCache } from "lru-cache";

type Entry = object | string | number | boolean;

interface GrowingLruOptions {
  /** Milliseconds until an entry is forgotten in any case. */
  readonly ttl?: number;
  /** Whether an entry that is set anew is still forgotten when it would have been. */
  readonly noUpdateTTL?: boolean;
  /** The clock for `ttl`. */
  readonly perf?: { readonly now: () => number };
}

/**
 * Remembers so many entries at most, and forgets those first that were used longest ago. It takes memory for what it holds: an
 * LRUCache with a `max` sets aside room for all of them when it is made, 4.5 MB for 100,000 (11.5). Full, it is the one that takes
 * more.
 */
export class GrowingLru<Key extends Entry, Value extends Entry> extends LRUCache<Key, Value> {
  /** @param most how many entries, 1 or more */
  constructor(most: number, options: GrowingLruOptions = {}) {
    super({ ...options, maxSize: most, sizeCalculation: () => 1 });
  }
}
