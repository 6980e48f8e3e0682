import { COALESCE_WAIT_MS, UnreadableRecordError } from "@veil/keys";
import { CoalescedCalls } from "@veil/runtime";
import type { Connection, mongo } from "mongoose";
import { BATCH_SIZES, engineOf, inParts, LONG_READ, wholeUpdate } from "./engine.ts";
import { DUPLICATE_KEY_CODE, isDuplicateKey, storeErrors, writeFailures } from "./store-errors.ts";
import { type Refusal, updateEach } from "./update-each.ts";

/** A document whose `_id` is text. */
interface Identified {
  readonly _id: string;
}

const LARGEST_BATCH = 1_000;
const BATCHES = { largest: LARGEST_BATCH, longestWaitMs: COALESCE_WAIT_MS } as const;

/**
 * Finds single documents by their `_id`. Requests that arrive during a find go out together as the next one; every find
 * begins after it was asked for, so what was acknowledged before is seen.
 */
export class FindById<Document extends Identified> {
  readonly #connection: Connection;
  readonly #collection: mongo.Collection<Document>;
  readonly #calls: CoalescedCalls<string, Document | null>;
  /** How many documents the last scan met; null before the first. */
  #size: number | null = null;

  constructor(connection: Connection, collection: mongo.Collection<Document>) {
    this.#connection = connection;
    this.#collection = collection;
    this.#calls = new CoalescedCalls((ids) => findBatch(collection, ids), BATCHES);
  }

  /** @throws {StoreUnavailableError} when MongoDB does not answer in time */
  find(id: string): Promise<Document | null> {
    return storeErrors(async () => {
      const { findsManyByIndex } = await engineOf(this.#connection);
      return findsManyByIndex ? this.#calls.ask(id) : this.#collection.findOne<Document>(byId(id));
    });
  }

  /** Those of many documents that there are, with the fields asked for, in whichever way the engine finds them soonest. */
  async *findMany(ids: readonly string[], projection: Readonly<Record<string, 1>> = {}): AsyncGenerator<Document> {
    for await (const group of this.findGroups(ids, projection)) yield* group;
  }

  /** {@link findMany}, all of them at once. @throws {StoreUnavailableError} when MongoDB does not answer in time */
  findAll(ids: readonly string[]): Promise<Document[]> {
    return storeErrors(async () => {
      const all: Document[] = [];
      for await (const group of this.findGroups(ids)) all.push(...group);
      return all;
    });
  }

  /** {@link findMany}, some at a time as they are found. */
  async *findGroups(
    ids: readonly string[],
    projection: Readonly<Record<string, 1>> = {},
  ): AsyncGenerator<readonly Document[]> {
    const engine = await engineOf(this.#connection);
    if (engine.findsManyByIndex) {
      for (const part of inParts(ids, LARGEST_BATCH)) {
        const found = this.#collection.find<Document>(byId({ $in: part }), { projection });
        yield await found.batchSize(LARGEST_BATCH).toArray();
      }
      return;
    }
    const { foundOneByOne, foundWithoutScan, scannedPerFind } = engine;
    const most = this.#size === null ? foundWithoutScan : Math.max(foundOneByOne, this.#size / scannedPerFind);
    if (ids.length > most) {
      yield* this.#scanFor(new Set(ids), projection);
      return;
    }
    for (const part of inParts(ids, foundOneByOne)) {
      const found = await Promise.all(part.map((id) => this.#collection.findOne<Document>(byId(id), { projection })));
      yield found.filter((document) => document !== null);
    }
  }

  async *#scanFor(
    wanted: ReadonlySet<string>,
    projection: Readonly<Record<string, 1>>,
  ): AsyncGenerator<readonly Document[]> {
    const cursor = this.#collection.find<Document>({}, { projection, ...LONG_READ }).batchSize(BATCH_SIZES.scanned);
    let met = 0;
    try {
      while (await cursor.hasNext()) {
        const documents = cursor.readBufferedDocuments();
        met += documents.length;
        yield documents.filter(({ _id }) => wanted.has(_id));
      }
      this.#size = met;
    } finally {
      // One that was given up in time has shown that the collection is larger than what it met.
      this.#size = Math.max(this.#size ?? 0, met);
      await cursor.close();
    }
  }
}

/**
 * Inserts documents unless one of the same `_id` is there already; `inserted` or `present` for each.
 *
 * Inserts that arrive while a batch is under way go out together as the next one: on a busy worker hundreds of inserts
 * share one round trip and one journal write, on an idle one nothing waits.
 */
export class InsertIfAbsent<Document extends Identified> {
  readonly #calls: CoalescedCalls<Document, "inserted" | "present">;

  /** @param insertMany inserts unordered, so that a document that is there already keeps no other one out */
  constructor(insertMany: (documents: readonly Document[]) => Promise<unknown>) {
    this.#calls = new CoalescedCalls((documents) => insertBatch(insertMany, documents), BATCHES);
  }

  /** @throws {StoreUnavailableError} when MongoDB does not answer in time; the document may have been inserted */
  insert(document: Document): Promise<"inserted" | "present"> {
    return storeErrors(() => this.#calls.ask(document));
  }
}

interface Update<Document> {
  readonly id: string;
  readonly change: mongo.UpdateFilter<Document>;
}

interface UpdateOptions {
  readonly upsert?: boolean;
}

/**
 * Changes single documents. Changes that arrive while a batch is under way go out together as the next one, so that
 * hundreds of them share one round trip and one journal write.
 */
export class UpdatesById<Document extends Identified> {
  readonly #calls: CoalescedCalls<Update<Document>, true>;

  /** @param options `upsert`: whether a document that does not exist is created */
  constructor(collection: mongo.Collection<Document>, { upsert = false }: UpdateOptions = {}) {
    this.#calls = new CoalescedCalls((updates) => updateBatch(collection, updates, upsert), BATCHES);
  }

  /**
   * A document that does not exist is not created, unless the options say so.
   *
   * @throws {StoreUnavailableError} when MongoDB does not answer in time; the change may have been made
   * @throws {UnreadableRecordError} when the document is damaged so that no change of it is taken
   */
  async update(id: string, change: mongo.UpdateFilter<Document>): Promise<void> {
    await storeErrors(() => this.#calls.ask({ id, change }));
  }
}

/** Matches documents by `_id`. */
export function byId<Document extends Identified>(
  id: string | { readonly $in: readonly string[] },
): mongo.Filter<Document> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver's filter does not see that `_id` is a string
  return { _id: id } as mongo.Filter<Document>;
}

async function findBatch<Document extends Identified>(
  collection: mongo.Collection<Document>,
  ids: readonly string[],
): Promise<(Document | null)[]> {
  const [only] = ids;
  if (only !== undefined && ids.length === 1) return [await collection.findOne<Document>(byId(only))];
  const found = new Map<string, Document>();
  const filter = byId<Document>({ $in: [...new Set(ids)] });
  for (const document of await collection.find<Document>(filter).batchSize(LARGEST_BATCH).toArray()) {
    found.set(document._id, document);
  }
  return ids.map((id) => found.get(id) ?? null);
}

async function insertBatch<Document extends Identified>(
  insertMany: (documents: readonly Document[]) => Promise<unknown>,
  documents: readonly Document[],
): Promise<("inserted" | "present" | Error)[]> {
  try {
    await insertMany(documents);
    return documents.map(() => "inserted");
  } catch (error) {
    if (documents.length === 1 && isDuplicateKey(error)) return ["present"];
    const failures = new Map(writeFailures(error).map((failure) => [failure.index, failure]));
    return documents.map((_, index) => {
      const failure = failures.get(index);
      if (failure === undefined) return "inserted";
      return failure.code === DUPLICATE_KEY_CODE ? "present" : new Error(failure.errmsg ?? "insert failed");
    });
  }
}

async function updateBatch<Document extends Identified>(
  collection: mongo.Collection<Document>,
  updates: readonly Update<Document>[],
  upsert: boolean,
): Promise<(true | Error)[]> {
  const refusals = await updateEach(collection, updates, ({ id, change }) => ({
    filter: byId<Document>(id),
    update: wholeUpdate(change),
    upsert,
  }));
  const failures = new Map(
    refusals.map((refusal) => [refusal.item, refusedUpdate(collection.collectionName, refusal)]),
  );
  return updates.map((update) => failures.get(update) ?? true);
}

function refusedUpdate(collection: string, { item, failure }: Refusal<{ readonly id: string }>): Error {
  const reason = failure.errmsg ?? "update failed";
  // Another one inserted it at the same moment: that says nothing of the document.
  if (failure.code === DUPLICATE_KEY_CODE) return new Error(reason);
  return new UnreadableRecordError(`${collection}: the document ${item.id} can't be changed: ${reason}`);
}
