import { COALESCE_WAIT_MS } from "@veil/keys";
import type { mongo } from "mongoose";
import { CoalescedCalls } from "@veil/runtime";
import { type CounterDocument, counterDocument } from "./key-codecs.ts";

const COUNTER_ID = "key_id";
const MOST_IDS_AT_ONCE = 1_000;

/**
 * Hands out key ids: from 1, each larger than every one before, never one twice, also after a crash.
 *
 * Ids asked for together are taken by one increment.
 */
export class KeyIdCounter {
  readonly #collection: mongo.Collection<CounterDocument>;
  readonly #calls: CoalescedCalls<null, number>;

  constructor(collection: mongo.Collection<CounterDocument>) {
    this.#collection = collection;
    this.#calls = new CoalescedCalls((asked) => take(collection, asked.length), {
      largest: MOST_IDS_AT_ONCE,
      longestWaitMs: COALESCE_WAIT_MS,
    });
  }

  next(): Promise<number> {
    return this.#calls.ask(null);
  }

  /** The highest id that was handed out or skipped; 0 before the first. */
  async last(): Promise<number> {
    const found = await this.#collection.findOne({ _id: COUNTER_ID });
    return found === null ? 0 : counterDocument.parse(found).value;
  }

  /** From now on only ids above this one are handed out. */
  async skip(upTo: number): Promise<void> {
    await this.#collection.updateOne({ _id: COUNTER_ID }, { $max: { value: upTo } }, { upsert: true });
  }
}

async function take(collection: mongo.Collection<CounterDocument>, count: number): Promise<number[]> {
  const after = await collection.findOneAndUpdate(
    { _id: COUNTER_ID },
    { $inc: { value: count } },
    { upsert: true, returnDocument: "after" },
  );
  if (after === null) throw new Error("the key id counter answered nothing");
  const { value } = counterDocument.parse(after);
  return Array.from({ length: count }, (_, index) => value - count + 1 + index);
}
