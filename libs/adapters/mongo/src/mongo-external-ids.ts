import { externalIdEntry, type ExternalIds, type OwnedExternalId } from "@veil/keys";
import type { mongo } from "mongoose";
import { FindById, InsertIfAbsent, UpdatesById } from "./by-id.ts";
import type { MongoConnection } from "./connect-mongo.ts";
import { type ExternalIdDocument, externalIdDocument } from "./key-codecs.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";

/** The key behind each external id, in a document of its own: every engine finds an `_id` at once. */
export class MongoExternalIds implements ExternalIds {
  readonly #found: FindById<ExternalIdDocument>;
  readonly #entries: InsertIfAbsent<ExternalIdDocument>;
  readonly #changes: UpdatesById<ExternalIdDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    const collection: mongo.Collection<ExternalIdDocument> = connection.collection<ExternalIdDocument>("external_ids");
    this.#found = new FindById(connection, collection);
    this.#entries = new InsertIfAbsent((entries) => collection.insertMany(entries, { ordered: false }));
    this.#changes = new UpdatesById(collection);
    this.#reader = new DocumentReader("external_ids", onUnreadable);
  }

  async claim(id: OwnedExternalId, keyId: number): Promise<readonly number[]> {
    if ((await this.#entries.insert({ _id: externalIdEntry(id), key_id: keyId })) === "inserted") return [keyId];
    const entered = await this.find(id);
    return entered.length === 0 ? [keyId] : entered;
  }

  async replace(id: OwnedExternalId, keyId: number, undecided: readonly number[]): Promise<void> {
    await this.#changes.update(externalIdEntry(id), { $set: { key_id: keyId, undecided: [...undecided] } });
  }

  async find(id: OwnedExternalId): Promise<readonly number[]> {
    const found = await this.#found.find(externalIdEntry(id));
    if (found === null) return [];
    const { key_id: keyId, undecided = [] } = this.#reader.one(externalIdDocument, found);
    return [keyId, ...undecided];
  }
}
