import type { DeviceEvent, DeviceList, DeviceOutbox, DeviceStore } from "@veil/keys";
import type { Connection, mongo } from "mongoose";
import { FindById, UpdatesById } from "./by-id.ts";
import type { MongoConnection } from "./connect-mongo.ts";
import { type DeviceDocument, deviceDocument, isUnrelayed, toDeviceList, toStoredList } from "./device-codec.ts";
import { BATCH_SIZES, LONG_READ } from "./engine.ts";
import { EventMarks } from "./event-marks.ts";
import { idsOf, removeMany } from "./many-entities.ts";
import { buffersOf, DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";

/**
 * The devices of keys in the collection `devices`, one document for each key.
 *
 * Every method throws StoreUnavailableError while MongoDB is away; a write may then have happened.
 */
export class MongoDeviceStore implements DeviceStore, DeviceOutbox {
  readonly #connection: Connection;
  readonly #lists: mongo.Collection<DeviceDocument>;
  readonly #found: FindById<DeviceDocument>;
  readonly #writes: UpdatesById<DeviceDocument>;
  readonly #marks: EventMarks<DeviceDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#connection = connection;
    this.#lists = connection.collection<DeviceDocument>("devices");
    this.#found = new FindById(connection, this.#lists);
    this.#writes = new UpdatesById(this.#lists, { upsert: true });
    this.#reader = new DocumentReader("devices", onUnreadable);
    this.#marks = new EventMarks(connection, this.#lists, this.#reader);
  }

  async find(keyId: number): Promise<DeviceList | null> {
    const found = await this.#found.find(String(keyId));
    return found === null ? null : toDeviceList(this.#reader.one(deviceDocument, found));
  }

  async put(list: DeviceList): Promise<DeviceList> {
    await this.#writes.update(String(list.keyId), { $max: { list: toStoredList(list) } });
    return (await this.find(list.keyId)) ?? list;
  }

  async *keyIds(): AsyncGenerator<number> {
    for await (const id of idsOf(this.#lists)) yield Number(id);
  }

  async remove(keyIds: readonly number[]): Promise<void> {
    await removeMany(this.#connection, this.#lists, keyIds.map(String));
  }

  async unlogged(keyIds: readonly number[]): Promise<ReadonlyMap<number, readonly DeviceEvent[]>> {
    const documents = this.#reader.many(deviceDocument, await this.#found.findAll(keyIds.map(String)));
    this.#marks.read(documents, ({ list }) => list.outbox.map(({ id }) => id));
    const toList = (document: DeviceDocument) => toDeviceList(document, this.#marks.loggedOf(document));
    const lists = documents.map(toList).filter(({ outbox }) => outbox.length > 0);
    return new Map(lists.map(({ keyId, outbox }) => [keyId, outbox]));
  }

  mark(marks: ReadonlyMap<number, readonly string[]>): Promise<void> {
    return this.#marks.mark(marks);
  }

  async *unrelayed(): AsyncGenerator<readonly number[]> {
    const filter = { "list.outbox": { $exists: true } };
    const cursor = await storeErrors(async () =>
      this.#lists.find<DeviceDocument>(filter, LONG_READ).batchSize(BATCH_SIZES.documents),
    );
    for await (const found of buffersOf(cursor)) {
      const documents = this.#reader.many(deviceDocument, found);
      yield documents.filter(isUnrelayed).map(({ _id }) => Number(_id));
    }
  }
}
