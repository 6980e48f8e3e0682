import DataLoader from "dataloader";
import type { mongo } from "mongoose";
import type { CounterDocument } from "./documents.ts";

const counterId = "key_id";

/**
 * Hands out key ids: from 1, each larger than every one before, never one twice, also after a crash.
 *
 * Ids asked for together are taken by one increment.
 */
export class KeyIdCounter {
  readonly #loader: DataLoader<symbol, number>;

  constructor(collection: mongo.Collection<CounterDocument>) {
    let underWay: Promise<unknown> = Promise.resolve();
    this.#loader = new DataLoader<symbol, number>((asked) => take(collection, asked.length), {
      cache: false,
      batchScheduleFn: (dispatch) => {
        underWay = underWay.then(dispatch, dispatch);
      },
    });
  }

  next(): Promise<number> {
    return this.#loader.load(Symbol("key id"));
  }
}

async function take(collection: mongo.Collection<CounterDocument>, count: number): Promise<number[]> {
  const after = await collection.findOneAndUpdate(
    { _id: counterId },
    { $inc: { value: count } },
    { upsert: true, returnDocument: "after" },
  );
  if (after === null) throw new Error("the key id counter answered nothing");
  return Array.from({ length: count }, (_, index) => after.value - count + 1 + index);
}
