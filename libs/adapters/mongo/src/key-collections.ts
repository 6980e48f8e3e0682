import type { Creation, HandledKey, KeyRecord } from "@veil/keys";
import type { Connection, mongo } from "mongoose";
import { FindById } from "./by-id.ts";
import { HandsCollection, type HandsOfMany } from "./hands-of-many.ts";
import type { MongoConnection } from "./connect-mongo.ts";
import { creationSchema, keySchema, toCreation, toHandledKey, toKeyRecord } from "./documents.ts";
import { type CreationDocument, creationDocument, type KeyDocument, keyDocument } from "./key-codecs.ts";
import type { OlderFlow } from "./older-flow.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";

/** The collections `keys` and `creations`, and how their documents are read; shared by the stores over them. */
export class KeyCollections {
  readonly connection: Connection;
  readonly keys: mongo.Collection<KeyDocument>;
  readonly creations: mongo.Collection<CreationDocument>;
  readonly foundKeys: FindById<KeyDocument>;
  readonly foundCreations: FindById<CreationDocument>;
  readonly handsOfMany: HandsCollection;
  readonly readKeys: DocumentReader;
  readonly readCreations: DocumentReader;
  readonly #olderFlow: OlderFlow;
  readonly #createIndexes: () => Promise<void>;

  constructor(mongo: MongoConnection, olderFlow: OlderFlow, onUnreadable: OnUnreadable) {
    const { connection } = mongo;
    this.connection = connection;
    this.handsOfMany = new HandsCollection(mongo, onUnreadable);
    const keys = connection.model("Key", keySchema);
    const creations = connection.model("Creation", creationSchema);
    this.keys = connection.collection<KeyDocument>(keys.collection.collectionName);
    this.creations = connection.collection<CreationDocument>(creations.collection.collectionName);
    this.foundKeys = new FindById(connection, this.keys);
    this.foundCreations = new FindById(connection, this.creations);
    this.readKeys = new DocumentReader("keys", onUnreadable);
    this.readCreations = new DocumentReader("creations", onUnreadable);
    this.#olderFlow = olderFlow;
    this.#createIndexes = async () => {
      await Promise.all([keys.createIndexes(), creations.createIndexes()]);
    };
  }

  /** @throws {StoreUnavailableError} when MongoDB does not answer in time */
  async createIndexes(): Promise<void> {
    await storeErrors(this.#createIndexes);
  }

  /** @throws {UnreadableRecordError} when the document of this key makes no sense */
  async findKey(keyId: number): Promise<KeyRecord | null> {
    const found = await this.foundKeys.find(String(keyId));
    return found === null ? null : this.keyOf(found);
  }

  /** @throws {UnreadableRecordError} when the document makes no sense */
  async keyOf(found: KeyDocument): Promise<KeyRecord> {
    const document = this.readKeys.one(keyDocument, found);
    return toKeyRecord(document, await this.olderFlowAmong([document]));
  }

  /**
   * @param isTaken whether hands matter that stand beside the key's document
   * @throws {UnreadableRecordError} when the document of this key makes no sense
   */
  async findHandled(keyId: number, isTaken: boolean): Promise<HandledKey | null> {
    const [found, handsOfMany] = await Promise.all([
      this.foundKeys.find(String(keyId)),
      isTaken ? this.handsOfMany.read() : new Map<string, never>(),
    ]);
    if (found === null) return null;
    const document = this.readKeys.one(keyDocument, found);
    return toHandledKey(document, await this.olderFlowAmong([document]), handsOfMany);
  }

  /** Those of the documents that make sense, with the work on them. */
  async handledKeysOf(found: readonly KeyDocument[], handsOfMany: HandsOfMany = new Map()): Promise<HandledKey[]> {
    const documents = this.readKeys.many(keyDocument, found);
    const olderFlow = await this.olderFlowAmong(documents);
    return documents.map((document) => toHandledKey(document, olderFlow, handsOfMany));
  }

  /** The records of those of the documents that make sense. */
  async keysOf(found: readonly KeyDocument[]): Promise<KeyRecord[]> {
    const documents = this.readKeys.many(keyDocument, found);
    const olderFlow = await this.olderFlowAmong(documents);
    return documents.map((document) => toKeyRecord(document, olderFlow));
  }

  /** @throws {UnreadableRecordError} when the claim makes no sense */
  async creationOf(found: CreationDocument): Promise<Creation | null> {
    const document = this.readCreations.one(creationDocument, found);
    return toCreation(document, await this.olderFlowAmong([document]));
  }

  /** Those of the documents that make sense. */
  claimsOf(found: readonly CreationDocument[]): CreationDocument[] {
    return this.readCreations.many(creationDocument, found);
  }

  /** Those of the claims whose key has no document. */
  async undecided(claims: readonly CreationDocument[]): Promise<Creation[]> {
    const olderFlow = await this.olderFlowAmong(claims);
    const creations = claims.map((claim) => toCreation(claim, olderFlow)).filter((creation) => creation !== null);
    const decided = new Set<string>();
    const ids = creations.map(({ keyId }) => String(keyId));
    for await (const { _id } of this.foundKeys.findMany(ids, { _id: 1 })) decided.add(_id);
    return creations.filter(({ keyId }) => !decided.has(String(keyId)));
  }

  /** The flow of those of the documents that name none. */
  olderFlowAmong(documents: Parameters<OlderFlow["among"]>[0]): ReturnType<OlderFlow["among"]> {
    return storeErrors(() => this.#olderFlow.among(documents));
  }
}
