import {
  type EnteredKeys,
  externalIdEntry,
  type ExternalIds,
  type KeysToEnter,
  type OwnedExternalId,
} from "@veil/keys";
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

  async claim(id: OwnedExternalId, keyId: number): Promise<EnteredKeys> {
    const first = { keyIds: [keyId], version: 0 };
    if ((await this.#entries.insert({ _id: externalIdEntry(id), key_id: keyId })) === "inserted") return first;
    return (await this.#entered(id)) ?? first;
  }

  async replace(id: OwnedExternalId, { keyIds, version, fence }: KeysToEnter): Promise<void> {
    const [keyId, ...undecided] = keyIds;
    await this.#changes.update(externalIdEntry(id), {
      $set: { key_id: keyId, undecided },
      $max: { entered: { version, fence, key_ids: [...keyIds] } },
    });
  }

  async find(id: OwnedExternalId): Promise<readonly number[]> {
    return (await this.#entered(id))?.keyIds ?? [];
  }

  async #entered(id: OwnedExternalId): Promise<EnteredKeys | null> {
    const found = await this.#found.find(externalIdEntry(id));
    if (found === null) return null;
    const { entered, key_id: keyId, undecided = [] } = this.#reader.one(externalIdDocument, found);
    // A worker of a version before, which writes the plain fields alone, may have entered another one since.
    const keyIds = new Set([...(entered?.key_ids ?? []), keyId, ...undecided]);
    return { keyIds: [...keyIds], version: entered?.version ?? 0 };
  }
}
