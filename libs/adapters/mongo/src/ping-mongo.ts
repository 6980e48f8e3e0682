import { StoreRejectedError } from "@veil/keys";
import type { mongo } from "mongoose";
import { isDuplicateKey } from "./store-errors.ts";

/** No key has this id. A text, as the ids of keys are: for a number FerretDB 1.x reads all keys, in every probe. */
const NO_KEY = "none";

/**
 * Asks for what a process needs: a primary, whose data its account may read, and write if it writes. A `ping` is answered by
 * a secondary, by a server whose disk is full, and to an account that may do nothing.
 *
 * @throws {StoreRejectedError} when the server is no primary, otherwise what it refuses with
 */
export async function pingMongo(database: mongo.Db, writes: boolean): Promise<void> {
  const hello = await database.command({ hello: 1 });
  if (hello["isWritablePrimary"] === false) throw new StoreRejectedError(new Error("it is not the primary"));
  await database.collection<{ _id: string }>("keys").findOne({ _id: NO_KEY });
  if (!writes) return;
  const probes = database.collection<{ _id: string; at: Date }>("probes");
  try {
    await probes.updateOne({ _id: "probe" }, { $currentDate: { at: true } }, { upsert: true });
  } catch (error) {
    // Another process made it at the same moment: it was written.
    if (!isDuplicateKey(error)) throw error;
  }
}
