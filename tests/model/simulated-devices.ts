import type { DeviceList, DeviceOutbox, DeviceStore } from "@veil/keys";
import type { SimulatedMongo } from "./simulated-mongo.ts";
import type { Process } from "./world.ts";

/** The devices of keys as MongoDB has them. */
export class SimulatedDevices {
  readonly lists = new Map<number, DeviceList>();
  /** Ids of events that are in the log. */
  readonly relayed = new Set<string>();

  /** Without the events that are in the log. */
  find(keyId: number): DeviceList | null {
    const list = this.lists.get(keyId);
    return list === undefined ? null : { ...list, outbox: list.outbox.filter(({ id }) => !this.relayed.has(id)) };
  }

  /** Keys of whose devices some event is not marked. */
  get unlogged(): number[] {
    return [...this.lists.keys()].filter((keyId) => (this.find(keyId)?.outbox.length ?? 0) > 0);
  }
}

/** One process's view of the devices, in the same steps as the real one. */
export function devicesClient(mongo: SimulatedMongo, process: Process): DeviceStore & DeviceOutbox {
  const { devices } = mongo;
  const find = (keyId: number) => mongo.read(process, `find the devices of key ${keyId}`, () => devices.find(keyId));
  return {
    find,
    put: async (list) => {
      await mongo.write(process, `store version ${list.version} of the devices of key ${list.keyId}`, () => {
        const stands = devices.lists.get(list.keyId);
        if (stands === undefined || isLater(list, stands)) devices.lists.set(list.keyId, list);
      });
      return (await find(list.keyId)) ?? list;
    },
    unlogged: (keyIds) =>
      mongo.read(process, `find what is unlogged of the devices of keys ${keyIds.join(" ")}`, () => {
        const lists = keyIds.map((keyId) => devices.find(keyId)).filter((list) => list !== null);
        return new Map(lists.map(({ keyId, outbox }) => [keyId, outbox]));
      }),
    mark: (marks) =>
      mongo.write(process, `mark events of devices: ${[...marks.values()].flat().join(" ")}`, () => {
        for (const id of [...marks.values()].flat()) devices.relayed.add(id);
      }),
    unrelayed: async function* unrelayed() {
      yield await mongo.read(process, "find all devices with unlogged events", () => devices.unlogged);
    },
    keyIds: async function* keyIds() {
      yield* devices.lists.keys();
    },
    remove: async () => undefined,
  };
}

function isLater(one: DeviceList, other: DeviceList): boolean {
  if (one.epoch !== other.epoch) return one.epoch > other.epoch;
  return one.version === other.version ? one.fence > other.fence : one.version > other.version;
}
