import type { DeviceEvent } from "../src/devices/device-events.ts";
import type { DeviceList } from "../src/devices/device-list.ts";
import type { DeviceOutbox, DeviceStore } from "../src/devices/ports.ts";

/** Devices that are lost with the process. */
export class InMemoryDevices implements DeviceStore, DeviceOutbox {
  readonly lists = new Map<number, DeviceList>();
  readonly #marked = new Set<string>();
  /** How many lists were stored. */
  puts = 0;

  async find(keyId: number): Promise<DeviceList | null> {
    const list = this.lists.get(keyId);
    return list === undefined ? null : { ...list, outbox: list.outbox.filter(({ id }) => !this.#marked.has(id)) };
  }

  async put(list: DeviceList): Promise<DeviceList> {
    this.puts += 1;
    const before = this.lists.get(list.keyId);
    const stands = before !== undefined && isLater(before, list) ? before : list;
    this.lists.set(list.keyId, stands);
    return (await this.find(list.keyId)) ?? stands;
  }

  async *keyIds(): AsyncGenerator<number> {
    yield* [...this.lists.keys()];
  }

  async remove(keyIds: readonly number[]): Promise<void> {
    for (const keyId of keyIds) this.lists.delete(keyId);
  }

  async unlogged(keyIds: readonly number[]): Promise<ReadonlyMap<number, readonly DeviceEvent[]>> {
    const lists = await Promise.all(keyIds.map((keyId) => this.find(keyId)));
    const open = lists.filter((list) => list !== null).filter(({ outbox }) => outbox.length > 0);
    return new Map(open.map(({ keyId, outbox }) => [keyId, outbox]));
  }

  async mark(marks: ReadonlyMap<number, readonly string[]>): Promise<void> {
    for (const id of [...marks.values()].flat()) this.#marked.add(id);
  }

  async *unrelayed(): AsyncGenerator<readonly number[]> {
    yield [...(await this.unlogged([...this.lists.keys()])).keys()];
  }
}

function isLater(one: DeviceList, other: DeviceList): boolean {
  if (one.epoch !== other.epoch) return one.epoch > other.epoch;
  return one.version === other.version ? one.fence > other.fence : one.version > other.version;
}
