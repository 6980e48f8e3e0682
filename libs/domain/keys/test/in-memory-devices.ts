import type { DeviceList } from "../src/devices/device-list.ts";
import type { DeviceStore } from "../src/devices/ports.ts";

/** Devices that are lost with the process. */
export class InMemoryDevices implements DeviceStore {
  readonly lists = new Map<number, DeviceList>();
  /** How many lists were stored. */
  puts = 0;

  async find(keyId: number): Promise<DeviceList | null> {
    return this.lists.get(keyId) ?? null;
  }

  async put(list: DeviceList): Promise<DeviceList> {
    this.puts += 1;
    const before = this.lists.get(list.keyId);
    const stands = before !== undefined && isLater(before, list) ? before : list;
    this.lists.set(list.keyId, stands);
    return stands;
  }

  async *keyIds(): AsyncGenerator<number> {
    yield* [...this.lists.keys()];
  }

  async remove(keyIds: readonly number[]): Promise<void> {
    for (const keyId of keyIds) this.lists.delete(keyId);
  }
}

function isLater(one: DeviceList, other: DeviceList): boolean {
  if (one.epoch !== other.epoch) return one.epoch > other.epoch;
  return one.version === other.version ? one.fence > other.fence : one.version > other.version;
}
