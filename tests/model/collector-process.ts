import { keyIdOfEmail } from "@veil/protocols";
import { DueIndex } from "@veil/redis";
import { LEASE_PREFIX } from "./simulated-redis.ts";
import type { System } from "./system.ts";
import type { Process } from "./world.ts";

const SYNC_EVERY_MS = 2_000;
const MOST_BYTES = 400;

/** Counts what users move, as a collector does: into the ledger first, then those are due that have moved enough. */
export class CollectorProcess {
  readonly #process: Process;
  readonly #system: System;
  readonly #index: DueIndex;
  /** Whether users still use their keys. */
  #isUsed = true;

  constructor(system: System) {
    this.#process = system.newProcess("collector");
    this.#system = system;
    this.#index = new DueIndex(system.redis.dueConnection(this.#process), LEASE_PREFIX);
    void this.#syncPeriodically();
  }

  /** From now on nobody moves anything any more. */
  rest(): void {
    this.#isUsed = false;
  }

  async #syncPeriodically(): Promise<void> {
    try {
      await this.#sync();
    } catch (error) {
      this.#system.world.log(() => `collector: ${String(error)}`);
    }
    this.#system.world.after(SYNC_EVERY_MS, this.#process, () => void this.#syncPeriodically());
  }

  async #sync(): Promise<void> {
    const { mongo, xrays, world } = this.#system;
    const moved = new Map<number, number>();
    for (const { inbound } of this.#isUsed ? xrays : []) {
      for (const email of inbound?.byUuid.values() ?? []) {
        const keyId = keyIdOfEmail(email);
        if (keyId === null || !world.random.chance(0.3)) continue;
        moved.set(keyId, (moved.get(keyId) ?? mongo.lifetimes.get(keyId) ?? 0) + world.random.below(MOST_BYTES));
      }
    }
    // A key that moves no more is one whose users have left, so that here each is named each time.
    for (const [keyId, bytes] of mongo.lifetimes) if (!moved.has(keyId)) moved.set(keyId, bytes);
    if (moved.size === 0) return;
    await mongo.read(this.#process, "books bytes", () => {
      for (const [keyId, bytes] of moved) mongo.lifetimes.set(keyId, Math.max(bytes, mongo.lifetimes.get(keyId) ?? 0));
    });
    await this.#index.moved(moved, this.#system.clockOf(this.#process).now());
  }
}
