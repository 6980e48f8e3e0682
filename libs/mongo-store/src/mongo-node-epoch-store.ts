import type { NodeLives, NodeLivesStore } from "@veil/traffic-ledger";
import type { mongo } from "mongoose";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { isDuplicateKey, storeErrors } from "./store-errors.ts";

/** The lives of one node. `_id` is the node's name. */
const livesDocument = z.object({
  _id: z.string(),
  revision: z.number(),
  marks: z.array(z.object({ mark: z.string(), epoch: z.number() })),
  restarts: z.number(),
  /** Unix milliseconds. */
  seen_at: z.number(),
  seen_epoch: z.number(),
});
type LivesDocument = Omit<NodeLives, "node"> & { readonly _id: string };

/**
 * The lives of the nodes in the collection `node_epochs`. It has one document per node, so a conditional update costs little
 * on every engine.
 *
 * Every method throws StoreUnavailableError while MongoDB is away; a write may then have happened.
 */
export class MongoNodeEpochStore implements NodeLivesStore {
  readonly #lives: mongo.Collection<LivesDocument>;

  constructor({ connection }: MongoConnection) {
    this.#lives = connection.collection<LivesDocument>("node_epochs");
  }

  async find(node: string): Promise<NodeLives | null> {
    const document = await storeErrors(() => this.#lives.findOne({ _id: node }));
    if (document === null) return null;
    const { _id, ...fields } = livesDocument.parse(document);
    return { node: _id, ...fields };
  }

  async replace(before: NodeLives | null, after: NodeLives): Promise<boolean> {
    if (before === null) return this.#insert(after);
    const { node, revision, marks, restarts } = after;
    const filter = { _id: node, revision: before.revision };
    const result = await storeErrors(() => this.#lives.updateOne(filter, { $set: { revision, marks, restarts } }));
    return result.matchedCount === 1;
  }

  async raiseSeen(node: string, epoch: number, at: number): Promise<void> {
    await storeErrors(() => this.#lives.updateOne({ _id: node }, { $max: { seen_at: at, seen_epoch: epoch } }));
  }

  async #insert({ node, ...fields }: NodeLives): Promise<boolean> {
    try {
      await storeErrors(() => this.#lives.insertOne({ _id: node, ...fields }));
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}
