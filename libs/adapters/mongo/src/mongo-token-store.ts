import { StoreUnavailableError } from "@veil/keys";
import type { ApiToken, TokenStamp, TokenStore } from "@veil/tokens";
import type { mongo } from "mongoose";
import { byId, FindById } from "./by-id.ts";
import type { MongoConnection } from "./connect-mongo.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { toStampDocument } from "./step-documents.ts";
import { isDuplicateKey, storeErrors } from "./store-errors.ts";
import { storedName, type TokenDocument, tokenDocument, toToken, toTokenDocument } from "./token-codec.ts";

/**
 * API tokens in the collection `tokens`. An index keeps two of one owner from having one name.
 *
 * Every method throws StoreUnavailableError while MongoDB is unavailable; a write may then have happened.
 */
export class MongoTokenStore implements TokenStore {
  readonly #tokens: mongo.Collection<TokenDocument>;
  readonly #found: FindById<TokenDocument>;
  readonly #reader: DocumentReader;
  #isPrepared = false;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#tokens = connection.collection<TokenDocument>("tokens");
    this.#found = new FindById(connection, this.#tokens);
    this.#reader = new DocumentReader("tokens", onUnreadable);
  }

  async find(id: string): Promise<ApiToken | null> {
    const found = await this.#found.find(id);
    if (found === null || found.removed !== undefined) return null;
    return toToken(this.#reader.one(tokenDocument, found));
  }

  async list(): Promise<ApiToken[]> {
    const found = await storeErrors(() => this.#tokens.find<TokenDocument>({ removed: { $exists: false } }).toArray());
    const tokens = this.#reader.many(tokenDocument, found).map(toToken);
    return tokens.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  async insert(token: ApiToken, stamp?: TokenStamp): Promise<"inserted" | "present" | "taken"> {
    await this.#prepare();
    try {
      await storeErrors(() =>
        this.#tokens.insertOne({
          ...toTokenDocument(token),
          ...(stamp !== undefined && { made: toStampDocument(stamp) }),
        }),
      );
      return "inserted";
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return (await this.find(token.id)) === null ? "taken" : "present";
    }
  }

  async replace(token: ApiToken, revision: number): Promise<"replaced" | "outdated" | "taken"> {
    await this.#prepare();
    const { _id, ...fields } = toTokenDocument(token);
    try {
      const { matchedCount } = await storeErrors(() =>
        this.#tokens.updateOne({ ...byId<TokenDocument>(_id), revision }, { $set: fields }),
      );
      return matchedCount === 1 ? "replaced" : "outdated";
    } catch (error) {
      // Not every engine says which failure of an update this is.
      if (error instanceof StoreUnavailableError || !(await this.#isTaken(token))) throw error;
      return "taken";
    }
  }

  async remove(id: string, stamp?: TokenStamp): Promise<boolean> {
    if (stamp !== undefined) return this.#removeReported(id, stamp);
    const { deletedCount } = await storeErrors(() => this.#tokens.deleteOne(byId<TokenDocument>(id)));
    return deletedCount === 1;
  }

  /**
   * The write that records the end also takes the hash away and lets the token expire: versions that do not know of the
   * end find an expired token, and no text has its hash. The name is free.
   */
  async #removeReported(id: string, stamp: TokenStamp): Promise<boolean> {
    const token = await this.find(id);
    if (token === null) return false;
    const removed = { ...toStampDocument(stamp), name: token.name, expires_at: token.expiresAt };
    const over = { hash: "", name: `${id} (deleted)`, expires_at: 1, revision: token.revision + 1, removed };
    const { matchedCount } = await storeErrors(() =>
      this.#tokens.updateOne({ ...byId<TokenDocument>(id), revision: token.revision }, { $set: over }),
    );
    // Somebody changed it meanwhile, or deleted it.
    return matchedCount === 1 || this.#removeReported(id, stamp);
  }

  async #isTaken(token: ApiToken): Promise<boolean> {
    const holder = await storeErrors(() => this.#tokens.findOne({ name: storedName(token) }));
    return holder !== null && holder._id !== token.id;
  }

  /** A name is only safe once the index is there: the first write of a process sees to it. */
  async #prepare(): Promise<void> {
    if (this.#isPrepared) return;
    await storeErrors(() => this.#tokens.createIndex({ name: 1 }, { unique: true }));
    this.#isPrepared = true;
  }
}
