import { type Life, LONGEST_AHEAD_MS, type NodeLives, type NodeLivesStore, nodeOfSeries } from "@veil/traffic";
import type { mongo } from "mongoose";
import type { MongoConnection } from "./connect-mongo.ts";
import { allIdsOf } from "./many-entities.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { isDuplicateKey, storeErrors } from "./store-errors.ts";
import {
  type ClaimDocument,
  claimDocument,
  claimedInbounds,
  type LivesDocument,
  livesDocument,
  toLives,
  toLivesDocument,
} from "./traffic-codecs.ts";

/**
 * The lives of the nodes in the collection `node_epochs`, which has one document per node, so that a conditional update costs
 * little on every engine. The claims of their marks are in `process_lives`: its `_id` makes each claim the only one.
 *
 * Every method throws StoreUnavailableError while MongoDB is away; a write may then have happened.
 */
export class MongoNodeLivesStore implements NodeLivesStore {
  readonly #lives: mongo.Collection<LivesDocument>;
  readonly #claims: mongo.Collection<ClaimDocument>;
  readonly #readLives: DocumentReader;
  readonly #readClaims: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#lives = connection.collection<LivesDocument>("node_epochs");
    this.#claims = connection.collection<ClaimDocument>("process_lives");
    this.#readLives = new DocumentReader("node_epochs", onUnreadable);
    this.#readClaims = new DocumentReader("process_lives", onUnreadable);
  }

  async find(node: string): Promise<NodeLives | null> {
    const document = await storeErrors(() => this.#lives.findOne({ _id: node }));
    return document === null ? null : toLives(this.#readLives.one(livesDocument, document));
  }

  async list(): Promise<NodeLives[]> {
    const documents = await storeErrors(() => this.#lives.find().toArray());
    return this.#readLives.many(livesDocument, documents).map(toLives);
  }

  async names(): Promise<string[]> {
    return allIdsOf(this.#lives);
  }

  async remove({ node, revision, seenAt }: NodeLives): Promise<void> {
    await storeErrors(() => this.#lives.deleteOne({ _id: node, revision, seen_at: seenAt }));
  }

  async replace(before: NodeLives | null, after: NodeLives): Promise<boolean> {
    if (before === null) return this.#insert(after);
    const { node, revision, marks, restarts, address, series } = after;
    const known = { revision, marks, restarts, ...(address !== undefined && { address }) };
    const kept = new Set(marks.map(({ epoch }) => String(epoch)));
    const epochs = new Set([...Object.keys(before.seen ?? {}), ...before.marks.map(({ epoch }) => String(epoch))]);
    const dropped = [...epochs].filter((epoch) => !kept.has(epoch));
    const fields = dropped.flatMap((epoch) => [`seen.${epoch}`, inboundField(epoch)]);
    const change = {
      $set: { ...known, ...(series !== undefined && { series }) },
      ...(fields.length > 0 && { $unset: Object.fromEntries(fields.map((field) => [field, true as const])) }),
    };
    const filter = { _id: node, revision: before.revision };
    const result = await storeErrors(() => this.#lives.updateOne(filter, change));
    return result.matchedCount === 1;
  }

  async raiseSeen(node: string, epoch: number, at: number): Promise<void> {
    const raise = { $max: { seen_at: at, seen_epoch: epoch, [`seen.${epoch}`]: at } };
    const options = { returnDocument: "after" } as const;
    const raised = await storeErrors(() => this.#lives.findOneAndUpdate({ _id: node }, raise, options));
    if (raised === null) return;
    const limit = at + LONGEST_AHEAD_MS;
    if (raised.seen_at > limit) await this.#correct(node, "seen_at", limit, at);
    if ((raised.seen?.[epoch] ?? 0) > limit) await this.#correct(node, `seen.${epoch}`, limit, at);
  }

  async #correct(node: string, moment: string, limit: number, at: number): Promise<void> {
    const wrong = { _id: node, [moment]: { $gt: limit } };
    await storeErrors(() => this.#lives.updateOne(wrong, { $set: { [moment]: at } }));
  }

  async findClaim(mark: string): Promise<Life | null> {
    const document = await storeErrors(() => this.#claims.findOne({ _id: mark }));
    if (document === null) return null;
    const { _id, ...life } = this.#readClaims.one(claimDocument, document);
    return life;
  }

  async claim(mark: string, { node, epoch }: Life): Promise<Life> {
    try {
      await storeErrors(() => this.#claims.insertOne({ _id: mark, node, epoch }));
      return { node, epoch };
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return (await this.findClaim(mark)) ?? this.claim(mark, { node, epoch });
    }
  }

  async claimInbound({ node, epoch }: Life, tag: string): Promise<string> {
    const [_id, field] = [nodeOfSeries(node), inboundField(epoch)];
    const claimed = await this.#claimedInbound(_id, epoch);
    if (claimed !== undefined) return claimed;
    const unclaimed = { _id, [field]: { $exists: false } };
    await storeErrors(() => this.#lives.updateOne(unclaimed, { $set: { [field]: tag } }));
    return (await this.#claimedInbound(_id, epoch)) ?? tag;
  }

  async #claimedInbound(_id: string, epoch: number): Promise<string | undefined> {
    const document = await storeErrors(() => this.#lives.findOne({ _id }));
    return document === null ? undefined : this.#readLives.one(claimedInbounds, document).inbounds[epoch];
  }

  async removeClaims(marks: readonly string[]): Promise<void> {
    for (const mark of marks) await storeErrors(() => this.#claims.deleteOne({ _id: mark }));
  }

  async #insert(lives: NodeLives): Promise<boolean> {
    try {
      await storeErrors(() => this.#lives.insertOne(toLivesDocument(lives)));
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}

/** Of which inbound the entries are that have the own name of a life that began here. */
function inboundField(epoch: number | string): string {
  return `inbounds.${epoch}`;
}
