import {
  eachDirection,
  type FoundRecord,
  type HoursTrim,
  hourValuesOf,
  type LedgerUpdate,
  type TrafficRecord,
  type TrafficStore,
} from "@veil/traffic";
import type { Connection, mongo } from "mongoose";
import type { MongoConnection } from "./connect-mongo.ts";
import { byId, FindById } from "./by-id.ts";
import { engineOf, inParts, LONG_READ } from "./engine.ts";
import { idsOf, type ManyUpdate, removeMany, updateMany } from "./many-entities.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { DUPLICATE_KEY_CODE, isDuplicateKey, storeErrors } from "./store-errors.ts";
import {
  hasUnknownEvents,
  lowest,
  toFields,
  toRecord,
  toStoredEvent,
  type TrafficDocument,
  trafficDocument,
} from "./traffic-codecs.ts";
import { updateEach } from "./update-each.ts";

/**
 * Traffic records in the collection `traffic`. Everything but `replace` and `countedSince` addresses documents by `_id`
 * alone and needs no condition, so its cost does not grow with the number of keys on any engine.
 *
 * Every method throws StoreUnavailableError while MongoDB is away; a write may then have happened.
 */
export class MongoTrafficStore implements TrafficStore {
  readonly #connection: Connection;
  readonly #records: mongo.Collection<TrafficDocument>;
  readonly #found: FindById<TrafficDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#connection = connection;
    this.#records = connection.collection<TrafficDocument>("traffic");
    this.#found = new FindById(connection, this.#records);
    this.#reader = new DocumentReader("traffic", onUnreadable);
  }

  async find(entity: string): Promise<TrafficRecord | null> {
    const document = await this.#found.find(entity);
    return document === null ? null : this.#recordOf(document);
  }

  async findMany(entities: readonly string[]): Promise<Map<string, FoundRecord>> {
    const documents = this.#reader.byId(trafficDocument, await this.#found.findAll(entities));
    return new Map([...documents].map(([id, found]) => [id, found === "unreadable" ? found : toRecord(found)]));
  }

  async writeMany(updates: readonly LedgerUpdate[]): Promise<Set<string>> {
    const refused = new Set<string>();
    for (const part of inParts(updates, await this.#writtenAtOnce())) {
      for (const update of await this.#writePart(part)) refused.add(update.entity);
    }
    return refused;
  }

  async write(update: LedgerUpdate): Promise<TrafficRecord> {
    const document = await storeErrors(async () => {
      try {
        return await this.#upsert(update);
      } catch (error) {
        if (isDuplicateKey(error)) return this.#upsert(update);
        throw error;
      }
    });
    if (document === null) throw new Error(`the record of ${update.entity} was written and not returned`);
    return this.#recordOf(document);
  }

  /**
   * Sets the fields that this version knows, so that those of a newer one stay. `false` also for a record to which a newer
   * version wrote an event: only such a version can work it in.
   */
  async replace(before: TrafficRecord, after: TrafficRecord): Promise<boolean> {
    const { entity, ...fields } = after;
    return storeErrors(async () => {
      const present = await this.#found.find(entity);
      if (present?.revision !== before.revision || hasUnknownEvents(present)) return false;
      const result = await this.#records.updateOne(
        { _id: entity, revision: before.revision },
        { $set: toFields(fields) },
      );
      return result.matchedCount === 1;
    });
  }

  async trimHours(trims: readonly HoursTrim[]): Promise<void> {
    await updateMany(this.#connection, this.#records, trims, trimOf);
  }

  entities(): AsyncGenerator<string> {
    return idsOf(this.#records);
  }

  async countedSince(at: number): Promise<string[]> {
    return storeErrors(async () => {
      const filter = { counted_at: { $gte: at } };
      const found = await this.#records.find(filter, LONG_READ).project<{ _id: string }>({ _id: 1 }).toArray();
      return found.map(({ _id }) => _id);
    });
  }

  /** Creates the index that is missing. */
  async prepare(): Promise<void> {
    await storeErrors(() => this.#records.createIndex({ counted_at: 1 }));
  }

  async remove(entities: readonly string[]): Promise<void> {
    await removeMany(this.#connection, this.#records, entities);
  }

  #recordOf(document: TrafficDocument): TrafficRecord {
    return toRecord(this.#reader.one(trafficDocument, document));
  }

  #writtenAtOnce(): Promise<number> {
    return storeErrors(async () => (await engineOf(this.#connection)).recordsWrittenAtOnce);
  }

  #upsert(update: LedgerUpdate): Promise<TrafficDocument | null> {
    const options = { upsert: true, returnDocument: "after" } as const;
    return this.#records.findOneAndUpdate({ _id: update.entity }, operatorsOf(update), options);
  }

  /** @returns the updates that were refused; one that met another insert of the same document is tried once more */
  async #writePart(updates: readonly LedgerUpdate[]): Promise<LedgerUpdate[]> {
    const failures = await this.#bulkWrite(updates);
    const again = failures.filter(({ isDuplicate }) => isDuplicate).map(({ update }) => update);
    const refused = failures.filter(({ isDuplicate }) => !isDuplicate).map(({ update }) => update);
    if (again.length === 0) return refused;
    return [...refused, ...(await this.#bulkWrite(again)).map(({ update }) => update)];
  }

  async #bulkWrite(updates: readonly LedgerUpdate[]): Promise<{ update: LedgerUpdate; isDuplicate: boolean }[]> {
    const refusals = await storeErrors(() =>
      updateEach(this.#records, updates, (update) => ({
        filter: { _id: update.entity },
        update: operatorsOf(update),
        upsert: true,
      })),
    );
    return refusals.map(({ item: update, failure }) => ({ update, isDuplicate: failure.code === DUPLICATE_KEY_CODE }));
  }
}

function operatorsOf(update: LedgerUpdate): mongo.UpdateFilter<TrafficDocument> {
  const { readAt, raise, append, isFirst = false, historyFrom } = update;
  const counted = hourValuesOf(update);
  const begun = historyFrom && eachDirection((direction) => lowest(historyFrom[direction]));
  return {
    $max: {
      read_at: readAt,
      ...pathsOf("live", raise),
      ...(counted !== null && { counted_at: readAt, ...pathsOf(`hours.${counted.hour}`, counted.values) }),
      ...(isFirst && { first_counted_at: lowest(readAt) }),
      ...(begun && { "history_from.up": begun.up, "history_from.down": begun.down }),
    },
    $inc: { revision: 1 },
    ...(append.length > 0 && { $push: { log: { $each: append.map(toStoredEvent) } } }),
  };
}

function trimOf({ entity, hour, values, dropped }: HoursTrim): ManyUpdate<TrafficDocument> {
  const raised = pathsOf(`hours.${hour}`, values);
  const change: mongo.UpdateFilter<TrafficDocument> = {
    ...(Object.keys(raised).length > 0 && { $max: raised }),
    ...(dropped.length > 0 && { $unset: Object.fromEntries(dropped.map((number) => [`hours.${number}`, ""])) }),
    // Last, as it always changes something: see `wholeUpdate`.
    $inc: { revision: 1 },
  };
  return { filter: byId(entity), update: change };
}

/** The values by their path in a document. */
function pathsOf(field: string, raise: LedgerUpdate["raise"]): Record<string, number> {
  const paths: Record<string, number> = {};
  for (const [entry, { up, down }] of Object.entries(raise)) {
    if (up !== undefined) paths[`${field}.${entry}.up`] = up;
    if (down !== undefined) paths[`${field}.${entry}.down`] = down;
  }
  return paths;
}
