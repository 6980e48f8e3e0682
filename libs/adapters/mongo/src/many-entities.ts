import type { Connection, mongo } from "mongoose";
import { byId } from "./by-id.ts";
import { engineOf, inParts, wholeUpdate } from "./engine.ts";
import { storeErrors } from "./store-errors.ts";

interface Identified {
  readonly _id: string;
}

/** One of many changes that need each other neither in order nor at all. */
export interface ManyUpdate<Document> {
  readonly filter: mongo.Filter<Document>;
  readonly update: mongo.UpdateFilter<Document>;
  readonly upsert?: boolean;
}

const IDS_AT_ONCE = 1_000;

/** @throws {StoreUnavailableError} when MongoDB does not answer in time; some may have been made */
export async function updateMany<Document extends Identified>(
  connection: Connection,
  collection: mongo.Collection<Document>,
  updates: readonly ManyUpdate<Document>[],
): Promise<void> {
  for (const part of inParts(updates, await writtenAtOnce(connection))) {
    const operations = part.map(({ update, ...rest }) => ({ updateOne: { ...rest, update: wholeUpdate(update) } }));
    await storeErrors(() => collection.bulkWrite(operations, { ordered: false }));
  }
}

/** @throws {StoreUnavailableError} when MongoDB does not answer in time; some may be gone */
export async function removeMany<Document extends Identified>(
  connection: Connection,
  collection: mongo.Collection<Document>,
  ids: readonly string[],
): Promise<void> {
  for (const part of inParts(ids, await writtenAtOnce(connection))) {
    const deletions = part.map((id) => ({ deleteOne: { filter: byId<Document>(id) } }));
    await storeErrors(() => collection.bulkWrite(deletions, { ordered: false }));
  }
}

/**
 * The ids of all documents, without the documents.
 *
 * @throws {StoreUnavailableError} when MongoDB does not answer in time
 */
export async function* idsOf<Document extends Identified>(
  collection: mongo.Collection<Document>,
): AsyncGenerator<string> {
  const cursor = await storeErrors(async () =>
    collection.find().project<Identified>({ _id: 1 }).batchSize(IDS_AT_ONCE),
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

function writtenAtOnce(connection: Connection): Promise<number> {
  return storeErrors(async () => (await engineOf(connection)).recordsWrittenAtOnce);
}
