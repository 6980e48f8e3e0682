import { partsOfWebhookOffId, type WebhookOff, type WebhookOutbox } from "@veil/webhooks";
import type { mongo } from "mongoose";
import { byId, FindById } from "./by-id.ts";
import type { MongoConnection } from "./connect-mongo.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";
import { toWebhookOff, type WebhookDocument, webhookDocument } from "./webhook-codec.ts";

/** The events of webhooks, in the documents in which they were born. There are few. */
export class MongoWebhookOutbox implements WebhookOutbox {
  readonly #webhooks: mongo.Collection<WebhookDocument>;
  readonly #found: FindById<WebhookDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#webhooks = connection.collection<WebhookDocument>("webhooks");
    this.#found = new FindById(connection, this.#webhooks);
    this.#reader = new DocumentReader("webhooks", onUnreadable);
  }

  async pending(webhookIds: readonly string[]): Promise<WebhookOff[]> {
    const found = await Promise.all(webhookIds.map((id) => this.#found.find(id)));
    const documents = found.filter((document) => document !== null);
    return this.#reader.many(webhookDocument, documents).flatMap((document) => toWebhookOff(document) ?? []);
  }

  async mark(eventIds: readonly string[]): Promise<void> {
    for (const eventId of eventIds) {
      const parts = partsOfWebhookOffId(eventId);
      if (parts === null) continue;
      const { id, revision } = parts;
      const reported = { ...byId<WebhookDocument>(id), "switched_off.revision": revision };
      const hidden = { ...byId<WebhookDocument>(id), removed: true as const, switched_off: { $exists: false } };
      await storeErrors(async () => {
        await this.#webhooks.updateOne(reported, { $unset: { switched_off: "" } });
        await this.#webhooks.deleteOne(hidden);
      });
    }
  }

  async unlogged(): Promise<string[]> {
    const open = { switched_off: { $exists: true } };
    const found = await storeErrors(() => this.#webhooks.find<WebhookDocument>(open).toArray());
    return found.map(({ _id }) => _id);
  }
}
