import type { LedgerUpdate, TrafficRecord, TrafficStore } from "@veil/traffic-ledger";
import type { mongo } from "mongoose";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { FindById } from "./find-by-id.ts";
import { findsManyByIndex } from "./finds-many-by-index.ts";
import { inParts } from "./in-parts.ts";
import { isDuplicateKey, storeErrors, writeFailures } from "./store-errors.ts";

const duplicateKeyCode = 11_000;

/** Few enough for the engine to answer within the connection's time limit: one with indexes, and the embedded one. */
const updatesAtOnce = { indexed: 5_000, embedded: 500 } as const;
const subjectsAtOnce = 1_000;
/** On the embedded engine, more records than this are found sooner by reading all. */
const worthAScan = 500;

const bytes = z.object({ up: z.number(), down: z.number() });
const standing = z.object({ generation: z.number(), value: z.number() });
const floor = z.record(z.string(), z.object({ epoch: z.number(), up: standing, down: standing }));

const ledgerEvent = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("fall"),
    version: z.number(),
    node: z.string(),
    epoch: z.number(),
    direction: z.enum(["up", "down"]),
    generation: z.number(),
    closed_at: z.number(),
    first: z.number(),
  }),
  z.object({
    kind: z.literal("reset"),
    version: z.number(),
    job: z.string(),
    at: z.number(),
    floor,
    previous: bytes,
  }),
]);

/** A record as it is stored. What only `compact` writes is absent until it has; `_id` is the subject. */
const trafficDocument = z.object({
  _id: z.string(),
  revision: z.number(),
  read_at: z.number().default(0),
  live: z
    .record(z.string(), z.object({ up: z.number().exactOptional(), down: z.number().exactOptional() }))
    .default({}),
  log: z.array(ledgerEvent).default([]),
  version: z.number().default(0),
  settled: bytes.default({ up: 0, down: 0 }),
  floor: floor.default({}),
  answers: z.array(z.object({ job: z.string(), at: z.number(), previous: bytes })).default([]),
});
type TrafficDocument = Omit<TrafficRecord, "subject"> & { readonly _id: string };

/**
 * Traffic records in the collection `traffic`. Everything but `replace` addresses documents by `_id` alone and needs no
 * condition, so its cost does not grow with the number of keys on any engine.
 *
 * Every method throws StoreUnavailableError while MongoDB is away; a write may then have happened.
 */
export class MongoTrafficStore implements TrafficStore {
  readonly #records: mongo.Collection<TrafficDocument>;
  readonly #found: FindById<TrafficDocument>;
  readonly #readsAnyByIndex: () => Promise<boolean>;

  constructor({ connection }: MongoConnection) {
    this.#records = connection.collection<TrafficDocument>("traffic");
    this.#readsAnyByIndex = () => findsManyByIndex(connection);
    this.#found = new FindById(this.#records, this.#readsAnyByIndex);
  }

  async find(subject: string): Promise<TrafficRecord | null> {
    const document = await this.#found.find(subject);
    return document === null ? null : toRecord(document);
  }

  async findMany(subjects: readonly string[]): Promise<Map<string, TrafficRecord>> {
    return storeErrors(async () => {
      const found = new Map<string, TrafficRecord>();
      for await (const document of this.#documentsOf(subjects)) found.set(document._id, toRecord(document));
      return found;
    });
  }

  async writeMany(updates: readonly LedgerUpdate[]): Promise<Set<string>> {
    const refused = new Set<string>();
    for (const part of inParts(updates, await this.#updatesAtOnce())) {
      for (const update of await this.#writePart(part)) refused.add(update.subject);
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
    if (document === null) throw new Error(`the record of ${update.subject} was written and not returned`);
    return toRecord(document);
  }

  async replace(before: TrafficRecord, after: TrafficRecord): Promise<boolean> {
    const { subject, ...fields } = after;
    const result = await storeErrors(() =>
      this.#records.replaceOne({ _id: subject, revision: before.revision }, fields),
    );
    return result.matchedCount === 1;
  }

  async *subjects(): AsyncGenerator<string> {
    const cursor = await storeErrors(async () =>
      this.#records.find().project<Pick<TrafficDocument, "_id">>({ _id: 1 }).batchSize(subjectsAtOnce),
    );
    try {
      while (true) {
        const document = await storeErrors(() => cursor.next());
        if (document === null) return;
        yield document._id;
      }
    } finally {
      await cursor.close();
    }
  }

  async remove(subjects: readonly string[]): Promise<void> {
    for (const part of inParts(subjects, await this.#updatesAtOnce())) {
      const deletions = part.map((subject) => ({ deleteOne: { filter: { _id: subject } } }));
      await storeErrors(() => this.#records.bulkWrite(deletions, { ordered: false }));
    }
  }

  #updatesAtOnce(): Promise<number> {
    return storeErrors(async () => ((await this.#readsAnyByIndex()) ? updatesAtOnce.indexed : updatesAtOnce.embedded));
  }

  #upsert(update: LedgerUpdate): Promise<TrafficDocument | null> {
    const options = { upsert: true, returnDocument: "after" } as const;
    return this.#records.findOneAndUpdate({ _id: update.subject }, operatorsOf(update), options);
  }

  /** FerretDB reads the whole collection for every filter but `_id` with one value. */
  async *#documentsOf(subjects: readonly string[]): AsyncGenerator<TrafficDocument> {
    if (await this.#readsAnyByIndex()) {
      for (const part of inParts(subjects, subjectsAtOnce)) yield* this.#records.find({ _id: { $in: part } });
    } else if (subjects.length <= worthAScan) {
      const found = await Promise.all(subjects.map((subject) => this.#records.findOne({ _id: subject })));
      yield* found.filter((document) => document !== null);
    } else {
      const wanted = new Set(subjects);
      for await (const document of this.#records.find().batchSize(subjectsAtOnce)) {
        if (wanted.has(document._id)) yield document;
      }
    }
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
    const operations = updates.map((update) => ({
      updateOne: { filter: { _id: update.subject }, update: operatorsOf(update), upsert: true },
    }));
    return storeErrors(async () => {
      try {
        await this.#records.bulkWrite(operations, { ordered: false });
        return [];
      } catch (error) {
        return writeFailures(error).flatMap((failure) => {
          const update = updates[failure.index];
          return update === undefined ? [] : [{ update, isDuplicate: failure.code === duplicateKeyCode }];
        });
      }
    });
  }
}

function operatorsOf(update: LedgerUpdate): mongo.UpdateFilter<TrafficDocument> {
  const raised: Record<string, number> = { read_at: update.read_at };
  for (const [entry, { up, down }] of Object.entries(update.raise)) {
    if (up !== undefined) raised[`live.${entry}.up`] = up;
    if (down !== undefined) raised[`live.${entry}.down`] = down;
  }
  return {
    $max: raised,
    $inc: { revision: 1 },
    ...(update.append.length > 0 && { $push: { log: { $each: [...update.append] } } }),
  };
}

function toRecord(document: TrafficDocument): TrafficRecord {
  const { _id: subject, ...fields } = trafficDocument.parse(document);
  return { subject, ...fields };
}
