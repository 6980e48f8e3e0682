import type { RegisterDeviceResult } from "@veil/keys";
import type { Later } from "./key-changes.ts";
import type { System } from "./system.ts";

/** A device that came with a key's subscription, and what its app heard; null when nobody answered in time. */
export interface Arrival {
  readonly keyId: number;
  readonly device: string;
  result: RegisterDeviceResult | null;
}

const DEVICES = ["phone", "tablet", "laptop"] as const;
const LONGEST_PAUSE_MS = 15_000;

/** The apps that fetch subscriptions, each with its device. */
export class DeviceArrivals {
  readonly seen: Arrival[] = [];
  readonly #system: System;
  readonly #later: Later;

  constructor(system: System, later: Later) {
    this.#system = system;
    this.#later = later;
  }

  /** Plans some fetches of a key that its creator has received. */
  plan(keyId: number): void {
    const { random } = this.#system.world;
    if (random.chance(0.3)) return;
    for (let count = 1 + random.below(5); count > 0; count -= 1) {
      const arrival: Arrival = { keyId, device: random.pick(DEVICES), result: null };
      this.seen.push(arrival);
      const job = `device-${this.seen.length}`;
      this.#later(random.between(0, LONGEST_PAUSE_MS), async (replica) => {
        arrival.result = await replica.registerDevice(job, keyId, arrival.device);
        this.#system.world.log(() => `ANSWER to ${job}: ${JSON.stringify(arrival.result)}`);
      });
    }
  }
}
