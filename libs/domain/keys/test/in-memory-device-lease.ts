import type { DeviceLease } from "../src/devices/ports.ts";
import type { HeldLease } from "../src/node-users.ts";

/** A lease within one process: whoever comes waits for all who came before. */
export class InMemoryDeviceLease implements DeviceLease {
  #last: Promise<unknown> = Promise.resolve();
  #fence = 0;

  async holdDevices<T>(_keyId: number, task: (lease: HeldLease) => Promise<T>): Promise<T> {
    this.#fence += 1;
    const lease = { token: String(this.#fence), fence: this.#fence, abandonedBy: null, mustLast: () => undefined };
    const run = this.#last.then(() => task(lease));
    this.#last = run.catch(() => undefined);
    return run;
  }
}
