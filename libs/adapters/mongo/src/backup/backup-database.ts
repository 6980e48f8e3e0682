import { mongo } from "mongoose";
import { BATCH_SIZES } from "../engine.ts";
import { namesDatabase, plainMongoUri } from "../mongo-uri.ts";

/** Documents of one collection as BSON, one after the other, as `mongodump` writes them. */
export interface DocumentsPart {
  readonly collection: string;
  readonly count: number;
  readonly bson: Uint8Array;
}

/** About so many bytes of documents travel together. */
const PART_BYTES = 4 * 1_048_576;
/** The embedded engine takes about 1.6 ms for each. */
const INSERTED_AT_ONCE = 200;
const CONNECT_WITHIN_MS = 5_000;
/** The embedded engine takes seconds for the first document of a large collection. */
const ANSWER_WITHIN_MS = 120_000;
/** Its length and its end. */
const SMALLEST_DOCUMENT = 5;
/** Keys that were made after the backup keep their ids to themselves. */
const IDS_LEFT_OUT = 10_000;

/** Numbers keep their type in the store, whatever they would be in JavaScript. */
const AS_STORED = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true } as const;

/**
 * A whole database, to be written down or filled. Everything in it, whether this version knows it or not; indexes are made by
 * the services that use them.
 */
export class BackupDatabase {
  readonly #client: mongo.MongoClient;
  readonly #db: mongo.Db;

  private constructor(client: mongo.MongoClient, uri: string) {
    this.#client = client;
    this.#db = namesDatabase(uri) ? client.db() : client.db("veil");
  }

  /** @param uri the database is `veil` unless it names one @throws when no server answers within five seconds */
  static async open(uri: string): Promise<BackupDatabase> {
    const address = plainMongoUri(uri).uri;
    const client = new mongo.MongoClient(address, {
      serverSelectionTimeoutMS: CONNECT_WITHIN_MS,
      connectTimeoutMS: CONNECT_WITHIN_MS,
      socketTimeoutMS: ANSWER_WITHIN_MS,
      readPreference: "primary",
      writeConcern: { w: "majority", journal: true },
    });
    await client.connect();
    return new BackupDatabase(client, address);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Every document, in an order in which a restored system converges though services write meanwhile. */
  async *documents(): AsyncGenerator<DocumentsPart> {
    for (const collection of inBackupOrder(await this.#collections())) {
      const found = this.#db.collection(collection).find({}, { raw: true, batchSize: BATCH_SIZES.scanned });
      let part: Uint8Array[] = [];
      let size = 0;
      for await (const document of found) {
        const bson = rawOf(document);
        part.push(bson);
        size += bson.length;
        if (size < PART_BYTES) continue;
        yield { collection, count: part.length, bson: Buffer.concat(part) };
        part = [];
        size = 0;
      }
      if (part.length > 0) yield { collection, count: part.length, bson: Buffer.concat(part) };
    }
  }

  /** @returns names of collections that hold something */
  async filled(): Promise<string[]> {
    const names = await this.#collections();
    const found = await Promise.all(names.map((name) => this.#db.collection(name).findOne({})));
    return names.filter((_, index) => found[index] !== null);
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    for (const name of await this.#collections()) await this.#db.collection(name).drop();
  }

  /** @throws when a document is there already, or the store refuses it */
  async insert({ collection, bson }: Pick<DocumentsPart, "collection" | "bson">): Promise<void> {
    const documents = [...eachDocument(bson)].map((one) => mongo.BSON.deserialize(one, AS_STORED));
    for (let start = 0; start < documents.length; start += INSERTED_AT_ONCE) {
      await this.#db.collection(collection).insertMany(documents.slice(start, start + INSERTED_AT_ONCE));
    }
  }

  /** Leaves out ids that may have been handed out after the backup, where any has been before it. */
  async leaveOutIds(): Promise<void> {
    const counters = this.#db.collection<{ _id: string; value: number }>("counters");
    await counters.updateOne({ _id: "key_id" }, { $inc: { value: IDS_LEFT_OUT } });
  }

  async #collections(): Promise<string[]> {
    const found = await this.#db.listCollections({}, { nameOnly: true }).toArray();
    return found.map(({ name }) => name).filter((name) => !name.startsWith("system."));
  }
}

/** With `raw` the driver gives bytes, which its types don't know; they are part of a larger buffer. */
function rawOf(document: unknown): Uint8Array {
  if (!(document instanceof Uint8Array)) throw new TypeError("the driver gave a document that is no BSON");
  return Uint8Array.from(document);
}

/** How many documents stand one after the other. @throws {RangeError} when they are no BSON */
export function countDocuments(bson: Uint8Array): number {
  return [...eachDocument(bson)].length;
}

function* eachDocument(bson: Uint8Array): Generator<Uint8Array> {
  const bytes = new DataView(bson.buffer, bson.byteOffset, bson.byteLength);
  let start = 0;
  while (start < bson.length) {
    const size = bytes.getInt32(start, true);
    if (size < SMALLEST_DOCUMENT || start + size > bson.length) throw new RangeError("these are no documents");
    yield bson.subarray(start, start + size);
    start += size;
  }
}

/**
 * Read before everything else: how far something has come. Restored with what came later, it is done once more, which all of it
 * is made for; the other way round it would count as done.
 */
const FIRST = ["webhook_deliveries", "event_positions", "key_batches", "key_batch_parts"];
/** Every change of a key, and what of it is not in the log of events yet, stands in its one document. */
const THEN = ["keys"];
/** Read after what they follow from: an event that is in both is known by its id, one that is in neither would be lost. */
const LAST = ["events", "external_ids", "counters"];

/**
 * The order in which collections are read while services go on writing, so that what is restored from them converges. Whatever
 * this version does not know stands in the middle.
 */
export function inBackupOrder(collections: readonly string[]): string[] {
  const rank = (name: string): number => {
    if (FIRST.includes(name)) return FIRST.indexOf(name);
    if (THEN.includes(name)) return FIRST.length;
    return LAST.includes(name) ? FIRST.length + 2 + LAST.indexOf(name) : FIRST.length + 1;
  };
  return collections.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
