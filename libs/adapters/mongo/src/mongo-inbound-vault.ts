import type { InboundVault } from "@veil/keys";
import type { Connection, mongo } from "mongoose";
import type { MongoConnection } from "./connect-mongo.ts";
import { type InboundDocument, inboundDocument } from "./key-codecs.ts";
import { allIdsOf, removeMany } from "./many-entities.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";

/** Keeps each node's inbound while it is replaced, so that a crash in between can be repaired. */
export class MongoInboundVault implements InboundVault {
  readonly #connection: Connection;
  readonly #inbounds: mongo.Collection<InboundDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#connection = connection;
    this.#inbounds = connection.collection<InboundDocument>("inbounds");
    this.#reader = new DocumentReader("inbounds", onUnreadable);
  }

  async save(node: string, inbound: string): Promise<void> {
    await storeErrors(() => this.#inbounds.updateOne({ _id: node }, { $set: { inbound } }, { upsert: true }));
  }

  async load(node: string): Promise<string | null> {
    const found = await storeErrors(() => this.#inbounds.findOne({ _id: node }));
    return found === null ? null : this.#reader.one(inboundDocument, found).inbound;
  }

  async names(): Promise<string[]> {
    return allIdsOf(this.#inbounds);
  }

  async remove(places: readonly string[]): Promise<void> {
    await removeMany(this.#connection, this.#inbounds, places);
  }
}
