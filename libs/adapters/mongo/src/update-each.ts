import type { mongo } from "mongoose";
import { writeFailures } from "./store-errors.ts";

/** An item whose update was refused, and why. */
export interface Refusal<Item> {
  readonly item: Item;
  readonly failure: mongo.WriteError;
}

/**
 * Makes one update for each item, in no order. Each may be made twice.
 *
 * Where one is refused both halves are tried again by themselves: FerretDB 1.x makes no further one after it, whatever the order,
 * and says of the first of all that it was that one: `findings/refused-update-ends-command.sh`.
 *
 * @returns the items whose update was refused; all others are made
 * @throws the driver's error when it says nothing of single updates
 */
export async function updateEach<Document extends mongo.Document, Item>(
  collection: mongo.Collection<Document>,
  items: readonly Item[],
  updateOf: (item: Item) => mongo.UpdateOneModel<Document>,
): Promise<Refusal<Item>[]> {
  const [first, ...others] = items;
  if (first === undefined) return [];
  try {
    const operations = items.map((item) => ({ updateOne: updateOf(item) }));
    await collection.bulkWrite(operations, { ordered: false });
    return [];
  } catch (error) {
    const [failure] = writeFailures(error);
    if (failure !== undefined && others.length === 0) return [{ item: first, failure }];
  }
  const half = Math.ceil(items.length / 2);
  return [
    ...(await updateEach(collection, items.slice(0, half), updateOf)),
    ...(await updateEach(collection, items.slice(half), updateOf)),
  ];
}
