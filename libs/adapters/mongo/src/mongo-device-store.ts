import type { Device, DeviceList, DeviceStore } from "@veil/keys";
import type { Connection, mongo } from "mongoose";
import { z } from "zod";
import { FindById, UpdatesById } from "./by-id.ts";
import type { MongoConnection } from "./connect-mongo.ts";
import { idsOf, removeMany } from "./many-entities.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";

const label = z.string().nullable().default(null);

const storedDevice = z.object({
  id: z.string(),
  os: label,
  os_version: label,
  model: label,
  user_agent: label,
  /** Unix seconds, as `last_seen_at`. */
  first_seen_at: z.number(),
  last_seen_at: z.number(),
});

/**
 * The devices of a key; `_id` is the key's id. `list` is replaced as a whole by `$max`: engines compare documents field by
 * field, so `epoch`, `version` and `fence` come first and of two lists the later one stands.
 */
const deviceDocument = z.object({
  _id: z.string(),
  list: z.object({
    epoch: z.number(),
    version: z.number(),
    fence: z.number(),
    changed_by: z.array(z.string()),
    devices: z.array(storedDevice),
  }),
});
type DeviceDocument = Readonly<z.infer<typeof deviceDocument>>;

/**
 * The devices of keys in the collection `devices`, one document for each key.
 *
 * Every method throws StoreUnavailableError while MongoDB is away; a write may then have happened.
 */
export class MongoDeviceStore implements DeviceStore {
  readonly #connection: Connection;
  readonly #lists: mongo.Collection<DeviceDocument>;
  readonly #found: FindById<DeviceDocument>;
  readonly #writes: UpdatesById<DeviceDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#connection = connection;
    this.#lists = connection.collection<DeviceDocument>("devices");
    this.#found = new FindById(connection, this.#lists);
    this.#writes = new UpdatesById(this.#lists, { upsert: true });
    this.#reader = new DocumentReader("devices", onUnreadable);
  }

  async find(keyId: number): Promise<DeviceList | null> {
    const found = await this.#found.find(String(keyId));
    return found === null ? null : toList(keyId, this.#reader.one(deviceDocument, found));
  }

  async put(list: DeviceList): Promise<DeviceList> {
    await this.#writes.update(String(list.keyId), { $max: { list: toStored(list) } });
    return (await this.find(list.keyId)) ?? list;
  }

  async *keyIds(): AsyncGenerator<number> {
    for await (const id of idsOf(this.#lists)) yield Number(id);
  }

  async remove(keyIds: readonly number[]): Promise<void> {
    await removeMany(this.#connection, this.#lists, keyIds.map(String));
  }
}

function toList(keyId: number, { list }: DeviceDocument): DeviceList {
  const { epoch, version, fence, changed_by: changedBy } = list;
  return { keyId, epoch, version, fence, changedBy, devices: list.devices.map(toDevice) };
}

function toDevice({
  os_version,
  user_agent,
  first_seen_at,
  last_seen_at,
  ...rest
}: z.infer<typeof storedDevice>): Device {
  return {
    ...rest,
    osVersion: os_version,
    userAgent: user_agent,
    firstSeenAt: first_seen_at,
    lastSeenAt: last_seen_at,
  };
}

/** The order of the first fields decides which of two lists is the later one. */
function toStored({ epoch, version, fence, changedBy, devices }: DeviceList): DeviceDocument["list"] {
  return { epoch, version, fence, changed_by: [...changedBy], devices: devices.map(toStoredDevice) };
}

function toStoredDevice({ id, os, osVersion, model, userAgent, firstSeenAt, lastSeenAt }: Device) {
  return {
    id,
    os,
    os_version: osVersion,
    model,
    user_agent: userAgent,
    first_seen_at: firstSeenAt,
    last_seen_at: lastSeenAt,
  };
}
