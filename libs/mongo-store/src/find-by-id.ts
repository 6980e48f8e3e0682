import type { mongo } from "mongoose";
import { CoalescedCalls } from "@veil/gathered-calls";
import { storeErrors } from "./store-errors.ts";

const largestBatch = 1_000;

/**
 * Finds single documents by their `_id`. What is asked for while a find is under way goes out together as the next one;
 * every find begins after it was asked for, so what was acknowledged before is seen.
 */
export class FindById<Document extends { readonly _id: string }> {
  readonly #collection: mongo.Collection<Document>;
  readonly #findsManyByIndex: () => Promise<boolean>;
  readonly #calls: CoalescedCalls<string, Document | null>;

  /** @param findsManyByIndex false for an engine that reads its whole collection for a filter with several ids */
  constructor(collection: mongo.Collection<Document>, findsManyByIndex: () => Promise<boolean>) {
    this.#collection = collection;
    this.#findsManyByIndex = findsManyByIndex;
    this.#calls = new CoalescedCalls((ids) => findBatch(collection, ids), { largest: largestBatch });
  }

  /** @throws StoreUnavailableError */
  find(id: string): Promise<Document | null> {
    return storeErrors(async () =>
      (await this.#findsManyByIndex()) ? this.#calls.ask(id) : findOne(this.#collection, id),
    );
  }
}

async function findBatch<Document extends { readonly _id: string }>(
  collection: mongo.Collection<Document>,
  ids: readonly string[],
): Promise<(Document | null)[]> {
  const [only] = ids;
  if (only !== undefined && ids.length === 1) return [await findOne(collection, only)];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver's filter does not see that `_id` is a string
  const filter = { _id: { $in: [...new Set(ids)] } } as mongo.Filter<Document>;
  const found = new Map<string, Document>();
  for (const document of await collection.find<Document>(filter).batchSize(largestBatch).toArray()) {
    found.set(document._id, document);
  }
  return ids.map((id) => found.get(id) ?? null);
}

function findOne<Document extends { readonly _id: string }>(
  collection: mongo.Collection<Document>,
  id: string,
): Promise<Document | null> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
  return collection.findOne<Document>({ _id: id } as mongo.Filter<Document>);
}
