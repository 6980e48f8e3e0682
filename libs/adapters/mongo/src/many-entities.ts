import type { Connection, mongo } from "mongoose";
import { byId } from "./by-id.ts";
import { engineOf, inParts, wholeUpdate } from "./engine.ts";
import { storeErrors } from "./store-errors.ts";
import { updateEach } from "./update-each.ts";

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

/**
 * Makes one change for each item.
 *
 * @returns the items whose change MongoDB refused, each for itself; all others are made
 * @throws {StoreUnavailableError} when MongoDB does not answer in time; some may have been made
 */
export async function updateMany<Document extends Identified, Item>(
  connection: Connection,
  collection: mongo.Collection<Document>,
  items: readonly Item[],
  changeOf: (item: Item) => ManyUpdate<Document>,
): Promise<Item[]> {
  const refused: Item[] = [];
  const updateOf = (item: Item) => {
    const { update, ...rest } = changeOf(item);
    return { ...rest, update: wholeUpdate(update) };
  };
  for (const part of inParts(items, await writtenAtOnce(connection))) {
    const refusals = await storeErrors(() => updateEach(collection, part, updateOf));
    refused.push(...refusals.map(({ item }) => item));
  }
  return refused;
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

/** {@link idsOf}, of a collection that has few. */
export async function allIdsOf<Document extends Identified>(collection: mongo.Collection<Document>): Promise<string[]> {
  const ids: string[] = [];
  for await (const id of idsOf(collection)) ids.push(id);
  return ids;
}

function writtenAtOnce(connection: Connection): Promise<number> {
  return storeErrors(async () => (await engineOf(connection)).recordsWrittenAtOnce);
}
