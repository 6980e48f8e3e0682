import type { Connection, mongo } from "mongoose";

/** The strengths of an engine, so that stores need not know which one it is. */
export interface Engine {
  /** Whether a filter with several `_id`s uses the index. */
  readonly findsManyByIndex: boolean;
  /** Whether documents that fit a filter are counted without a look at each of the collection. */
  readonly countsByIndex: boolean;
  /** Documents that are asked for one by one at the same time. */
  readonly foundOneByOne: number;
  /** Of a collection of which nothing else is known, more documents than this are found by reading all of it. */
  readonly foundWithoutScan: number;
  /** Documents of a collection that are read while one is found by its id. */
  readonly scannedPerFind: number;
  /** Documents that are found together at little more than the cost of a thousand, and not one after the other. */
  readonly foundTogether: number;
  /** Documents that housekeeping changes by one command: nobody's create may wait for thousands of them. */
  readonly changedAtOnce: number;
  /** Traffic records that one command writes within the connection's time limit. */
  readonly recordsWrittenAtOnce: number;
  /** Listings that may wait for their first document at the same time. */
  readonly listingsOpenedAtOnce: number;
}

/** An engine with indexes, such as MongoDB. */
const INDEXED: Engine = {
  findsManyByIndex: true,
  countsByIndex: true,
  foundOneByOne: Number.POSITIVE_INFINITY,
  foundWithoutScan: Number.POSITIVE_INFINITY,
  scannedPerFind: 0,
  foundTogether: 1_000,
  changedAtOnce: 1_000,
  recordsWrittenAtOnce: 5_000,
  listingsOpenedAtOnce: 16,
};

/**
 * FerretDB 1.x over SQLite, the embedded engine. It reads the whole collection for every filter but `_id` with one value,
 * lets one writing command through at a time and takes 1.6 ms for each document of it. A listing costs it a processor
 * before the first document comes. 100,000 keys with terms are read in 27 to 32 s, and a thousand are found in 0.9 to 1.5 s.
 */
const EMBEDDED: Engine = {
  findsManyByIndex: false,
  countsByIndex: false,
  foundOneByOne: 300,
  foundWithoutScan: 1_000,
  scannedPerFind: 4,
  foundTogether: 10_000,
  changedAtOnce: 100,
  recordsWrittenAtOnce: 500,
  listingsOpenedAtOnce: 4,
};

/** Documents per reply of a listing: whole ones, ids alone, and those of which only some are handed on. */
export const BATCH_SIZES = { documents: 2_000, ids: 10_000, scanned: 1_000 } as const;

const LONG_READ_MS = 30_000;

/**
 * For reads of a whole collection: an engine without the right index takes seconds for tens of thousands of documents before
 * the first one comes, longer than anything else may take. The driver takes a time limit with every operation; its types
 * don't say so. The server ends it too: one that nobody waits for any more would go on beside the next.
 */
export const LONG_READ: Pick<mongo.FindOptions, "maxTimeMS"> & { readonly socketTimeoutMS: number } = {
  socketTimeoutMS: LONG_READ_MS,
  maxTimeMS: LONG_READ_MS,
};

/** Counts the changes of a document. Nobody reads it. */
const CHANGES = "changes";

/**
 * The same change in a form that every engine carries out whole. FerretDB 1.x asks the last operator alone whether anything
 * changed, and drops all of the update when that one says no: `findings/last-operator-decides-update.sh`. So one comes last
 * that always changes something.
 */
export function wholeUpdate<Document extends mongo.Document>({
  $inc,
  ...others
}: mongo.UpdateFilter<Document>): mongo.UpdateFilter<Document> {
  const last = { $inc: { ...$inc, [CHANGES]: 1 } };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver's types know the document's own fields alone
  return { ...others, ...last } as unknown as mongo.UpdateFilter<Document>;
}

const engines = new WeakMap<Connection, Engine>();

/** The engine behind a connection, asked once. */
export async function engineOf(connection: Connection): Promise<Engine> {
  const asked = engines.get(connection);
  if (asked !== undefined) return asked;
  const build = await connection.db?.command({ buildInfo: 1 });
  const engine = build?.["ferretdbVersion"] === undefined ? INDEXED : EMBEDDED;
  if (build !== undefined) engines.set(connection, engine);
  return engine;
}

/** The items in their order, at most so many at a time. */
export function* inParts<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
