import { type DesiredStore, type KeyStore, NotingKeyStore } from "@veil/keys";
import { ChangedKeyIndex, type ExclusiveTask } from "@veil/redis";
import type { Clock } from "@veil/runtime";
import { type DesiredRead, SharedDesired } from "./nodes/shared-desired.ts";
import { UnclearedKeys } from "./uncleared-keys.ts";

export interface KeyMemoryOptions {
  readonly store: { readonly keys: KeyStore; readonly desired: DesiredStore };
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Clock;
  readonly onRead: (kind: DesiredRead) => void;
}

/** A worker's memory of keys, and the store through which it writes them, so that every worker hears of it. */
export interface KeyMemory {
  readonly keys: KeyStore;
  readonly desired: SharedDesired;
  readonly uncleared: UnclearedKeys;
}

/** A change that nobody noted is found after so long. */
const READ_ALL_EVERY_MS = 10 * 60_000;

/** Opens the memory of keys of one worker; what it remembers is read when it is first asked for. */
export function openKeyMemory({ store, exclusive, clock, onRead }: KeyMemoryOptions): KeyMemory {
  const changes = new ChangedKeyIndex(exclusive.redis, exclusive.prefix);
  const keys = new NotingKeyStore(store.keys, changes);
  // Spread, so that the workers do not come together.
  const readAllEveryMs = READ_ALL_EVERY_MS * (1 - Math.random() / 5);
  return {
    keys,
    desired: new SharedDesired({ state: store.desired, changes, clock, readAllEveryMs, onRead }),
    uncleared: new UnclearedKeys({ store: keys, changes, clock, lookAtAllEveryMs: readAllEveryMs }),
  };
}
