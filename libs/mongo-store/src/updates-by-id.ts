import type { mongo } from "mongoose";
import { CoalescedCalls } from "@veil/gathered-calls";
import { storeErrors, writeFailures } from "./store-errors.ts";

const largestBatch = 1_000;

interface Update<Document> {
  readonly id: string;
  readonly change: mongo.UpdateFilter<Document>;
}

/**
 * Changes single documents. What is asked for while a batch is under way goes out together as the next one, so that
 * hundreds of changes share one round trip and one journal write.
 */
export class UpdatesById<Document extends { readonly _id: string }> {
  readonly #calls: CoalescedCalls<Update<Document>, true>;

  constructor(collection: mongo.Collection<Document>) {
    this.#calls = new CoalescedCalls((updates) => updateBatch(collection, updates), { largest: largestBatch });
  }

  /** A document that is not there stays away. @throws StoreUnavailableError; the change may have been made */
  async update(id: string, change: mongo.UpdateFilter<Document>): Promise<void> {
    await storeErrors(() => this.#calls.ask({ id, change }));
  }
}

async function updateBatch<Document extends { readonly _id: string }>(
  collection: mongo.Collection<Document>,
  updates: readonly Update<Document>[],
): Promise<(true | Error)[]> {
  try {
    await collection.bulkWrite(updates.map(toOperation), { ordered: false });
    return updates.map(() => true);
  } catch (error) {
    const failures = new Map(writeFailures(error).map((failure) => [failure.index, failure]));
    return updates.map((_, index) => {
      const failure = failures.get(index);
      return failure === undefined ? true : new Error(failure.errmsg ?? "update failed");
    });
  }
}

function toOperation<Document extends { readonly _id: string }>({
  id,
  change,
}: Update<Document>): mongo.AnyBulkWriteOperation<Document> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver's filter does not see that `_id` is a string
  return { updateOne: { filter: { _id: id } as mongo.Filter<Document>, update: change } };
}
