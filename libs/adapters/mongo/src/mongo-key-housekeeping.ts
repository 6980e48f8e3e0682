import { importJobs, type DesiredState, type KeyHousekeeping } from "@veil/keys";
import type { mongo } from "mongoose";
import { byId } from "./by-id.ts";
import { phaseNumber } from "./documents.ts";
import { engineOf, inParts, LONG_READ } from "./engine.ts";
import type { KeyCollections } from "./key-collections.ts";
import type { KeyIdCounter } from "./key-id-counter.ts";
import { storeErrors } from "./store-errors.ts";

type Prepared = Pick<KeyHousekeeping, "prepare">;

/** Housekeeping of stored keys, apart from their lifecycle. */
export class MongoKeyHousekeeping implements KeyHousekeeping {
  readonly #collections: KeyCollections;
  readonly #ids: KeyIdCounter;
  readonly #desired: Pick<DesiredState, "findCreating">;
  readonly #others: readonly Prepared[];

  /** @param others collections beside those of the keys that have indexes */
  constructor(
    collections: KeyCollections,
    ids: KeyIdCounter,
    desired: Pick<DesiredState, "findCreating">,
    others: readonly Prepared[],
  ) {
    this.#others = others;
    this.#collections = collections;
    this.#ids = ids;
    this.#desired = desired;
  }

  async prepare(): Promise<void> {
    await this.#collections.createIndexes();
    for (const other of this.#others) await other.prepare();
  }

  async skipKeyIds(upTo: number): Promise<void> {
    await storeErrors(() => this.#ids.skip(upTo));
  }

  async countByState(): Promise<Record<"creating" | "active" | "deleting", number>> {
    return storeErrors(async () => {
      // One look at the keys for both phases: an engine without the index reads all of them for it.
      const phases = [phaseNumber("active"), phaseNumber("deleting")];
      // While there is no connection, it throws instead of rejecting: what was begun beside it would then reject unseen.
      const count = async () =>
        this.#collections.keys
          .aggregate<{ _id: number; keys: number }>(
            [{ $match: { phase: { $in: phases } } }, { $group: { _id: "$phase", keys: { $sum: 1 } } }],
            LONG_READ,
          )
          .toArray();
      // A claim is marked as decided only by the next sweep, so its document alone does not tell.
      const [creating, counts] = await Promise.all([this.#desired.findCreating(), count()]);
      const [active, deleting] = phases.map((phase) => counts.find(({ _id }) => _id === phase)?.keys ?? 0);
      return { creating: creating.length, active: active ?? 0, deleting: deleting ?? 0 };
    });
  }

  async dropTombstones(before: number, nodes: readonly string[]): Promise<number> {
    return storeErrors(async () => {
      const claims = await this.#drop(this.#collections.creations, { decided: true, created_at: { $lt: before } });
      const keys = await this.#drop(this.#collections.keys, {
        phase: phaseNumber("gone"),
        job: { $not: importJobs },
        $and: [
          { $or: [{ gone_at: { $lt: before } }, { gone_at: { $exists: false }, created_at: { $lt: before } }] },
          // Its end is still to be reported.
          { $or: [{ endings: { $exists: false } }, { is_end_logged: true }, { activated: false }] },
          ...nodes.map((node) => ({ [`unsure.${node}`]: { $exists: false } })),
        ],
      });
      const hands = await this.#drop(this.#collections.handsOfMany.collection, { entered_at: { $lt: before } });
      return claims + keys + hands;
    });
  }

  /** Deletes what matches, some at a time. @returns how many documents were deleted */
  async #drop<Document extends { readonly _id: string }>(
    collection: mongo.Collection<Document>,
    filter: mongo.Filter<Document>,
  ): Promise<number> {
    const { changedAtOnce } = await engineOf(this.#collections.connection);
    const found = await collection.find(filter, LONG_READ).project<{ _id: string }>({ _id: 1 }).toArray();
    let dropped = 0;
    for (const part of inParts(found, changedAtOnce)) {
      const deletions = part.map(({ _id }) => ({ deleteOne: { filter: byId<Document>(_id) } }));
      dropped += (await collection.bulkWrite(deletions, { ordered: false })).deletedCount;
    }
    return dropped;
  }
}
