import type { NodeLives, NodeLivesStore } from "@veil/traffic";
import type { mongo } from "mongoose";
import type { MongoConnection } from "./connect-mongo.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { isDuplicateKey, storeErrors } from "./store-errors.ts";
import { type LivesDocument, livesDocument } from "./traffic-codecs.ts";

/**
 * The lives of the nodes in the collection `node_epochs`. It has one document per node, so a conditional update costs little
 * on every engine.
 *
 * Every method throws StoreUnavailableError while MongoDB is away; a write may then have happened.
 */
export class MongoNodeLivesStore implements NodeLivesStore {
  readonly #lives: mongo.Collection<LivesDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#lives = connection.collection<LivesDocument>("node_epochs");
    this.#reader = new DocumentReader("node_epochs", onUnreadable);
  }

  async find(node: string): Promise<NodeLives | null> {
    const document = await storeErrors(() => this.#lives.findOne({ _id: node }));
    if (document === null) return null;
    const { _id, ...fields } = this.#reader.one(livesDocument, document);
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
