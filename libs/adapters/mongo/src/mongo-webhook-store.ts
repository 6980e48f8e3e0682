import {
  type DeliverySummary,
  type DeliveryState,
  type DeliveryStore,
  summaryOf,
  type SwitchOff,
  type Webhook,
  type WebhookStore,
} from "@veil/webhooks";
import type { Connection, mongo } from "mongoose";
import { byId, FindById } from "./by-id.ts";
import type { MongoConnection } from "./connect-mongo.ts";
import { idsOf, removeMany } from "./many-entities.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { isDuplicateKey, storeErrors } from "./store-errors.ts";
import {
  type DeliveryDocument,
  deliveryDocument,
  summedUpDocument,
  toDelivery,
  toDeliveryDocument,
  toSummary,
  toWebhook,
  toWebhookDocument,
  type WebhookDocument,
  webhookDocument,
} from "./webhook-codec.ts";

/**
 * Webhooks in the collection `webhooks`, and how far their deliveries are in `webhook_deliveries`: apart, because one is changed
 * by callers and the other one with every delivery.
 *
 * Every method throws StoreUnavailableError while MongoDB is unavailable; a write may then have happened.
 */
export class MongoWebhookStore implements WebhookStore, DeliveryStore {
  readonly #connection: Connection;
  readonly #webhooks: mongo.Collection<WebhookDocument>;
  readonly #deliveries: mongo.Collection<DeliveryDocument>;
  readonly #foundWebhooks: FindById<WebhookDocument>;
  readonly #foundDeliveries: FindById<DeliveryDocument>;
  readonly #webhookReader: DocumentReader;
  readonly #deliveryReader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#connection = connection;
    this.#webhooks = connection.collection<WebhookDocument>("webhooks");
    this.#deliveries = connection.collection<DeliveryDocument>("webhook_deliveries");
    this.#foundWebhooks = new FindById(connection, this.#webhooks);
    this.#foundDeliveries = new FindById(connection, this.#deliveries);
    this.#webhookReader = new DocumentReader("webhooks", onUnreadable);
    this.#deliveryReader = new DocumentReader("webhook_deliveries", onUnreadable);
  }

  async find(id: string): Promise<Webhook | null> {
    const found = await this.#foundWebhooks.find(id);
    if (found === null || found.removed === true) return null;
    return toWebhook(this.#webhookReader.one(webhookDocument, found));
  }

  async list(): Promise<Webhook[]> {
    const there = { removed: { $exists: false } };
    const found = await storeErrors(() => this.#webhooks.find<WebhookDocument>(there).toArray());
    const webhooks = this.#webhookReader.many(webhookDocument, found).map(toWebhook);
    return webhooks.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  async deliveries(): Promise<DeliverySummary[]> {
    const projection = { lanes: 0 };
    const found = await storeErrors(() => this.#deliveries.find<DeliveryDocument>({}, { projection }).toArray());
    const read = this.#deliveryReader.many(summedUpDocument, found);
    const summaries = read.map(toSummary).filter((summary) => summary !== null);
    const known = new Set(summaries.map(({ webhookId }) => webhookId));
    const unknown = read.map(({ _id }) => _id).filter((id) => !known.has(id));
    if (unknown.length === 0) return summaries;
    const whole = await this.#foundDeliveries.findAll(unknown);
    return [
      ...summaries,
      ...this.#deliveryReader.many(deliveryDocument, whole).map((each) => summaryOf(toDelivery(each))),
    ];
  }

  insert(webhook: Webhook): Promise<"inserted" | "present"> {
    return inserted(this.#webhooks, toWebhookDocument(webhook));
  }

  async replace(webhook: Webhook, revision: number, switchedOff?: SwitchOff): Promise<"replaced" | "outdated"> {
    const { _id, ...fields } = toWebhookDocument(webhook);
    const filter = { ...byId<WebhookDocument>(_id), revision, removed: { $exists: false } };
    const { url } = webhook;
    const off = switchedOff !== undefined && { switched_off: { ...switchedOff, revision: webhook.revision, url } };
    const { matchedCount } = await storeErrors(() => this.#webhooks.updateOne(filter, { $set: { ...fields, ...off } }));
    return matchedCount === 1 ? "replaced" : "outdated";
  }

  async remove(id: string): Promise<boolean> {
    const isGone = await storeErrors(() => this.#removeOrHide(id));
    await storeErrors(() => this.#deliveries.deleteOne(byId<DeliveryDocument>(id)));
    return isGone;
  }

  /** Deletes a webhook; one whose switch-off is not logged yet is only hidden, until it is. */
  async #removeOrHide(id: string): Promise<boolean> {
    const there = { ...byId<WebhookDocument>(id), removed: { $exists: false } };
    const { deletedCount } = await this.#webhooks.deleteOne({ ...there, switched_off: { $exists: false } });
    if (deletedCount === 1) return true;
    const { matchedCount } = await this.#webhooks.updateOne(there, { $set: { removed: true, enabled: false } });
    return matchedCount === 1;
  }

  async delivery(webhookId: string): Promise<DeliveryState | null> {
    const found = await this.#foundDeliveries.find(webhookId);
    return found === null ? null : toDelivery(this.#deliveryReader.one(deliveryDocument, found));
  }

  async keepDelivery(state: DeliveryState): Promise<"kept" | "outdated"> {
    const document = toDeliveryDocument(state);
    const before = state.revision - 1;
    if (before === 0) return this.#keepFirst(document);
    const { _id, ...fields } = document;
    const filter = { ...byId<DeliveryDocument>(_id), revision: before };
    const { matchedCount } = await storeErrors(() => this.#deliveries.updateOne(filter, { $set: fields }));
    return matchedCount === 1 ? "kept" : "outdated";
  }

  /** Nobody keeps a state before the webhook is there: one of which there is none after a look at the states is gone. */
  async forgetDeliveries(): Promise<void> {
    const kept: string[] = [];
    for await (const id of idsOf(this.#deliveries)) kept.push(id);
    const webhooks = await this.#foundWebhooks.findAll(kept);
    const there = new Set(webhooks.filter(({ removed }) => removed !== true).map(({ _id }) => _id));
    const gone = kept.filter((id) => !there.has(id));
    await removeMany(this.#connection, this.#deliveries, gone);
  }

  /** A webhook that is removed takes with it what was kept until then; what came later goes here. */
  async #keepFirst(document: DeliveryDocument): Promise<"kept" | "outdated"> {
    if ((await inserted(this.#deliveries, document)) === "present") return "outdated";
    const webhook = await this.#foundWebhooks.find(document._id);
    if (webhook !== null && webhook.removed !== true) return "kept";
    await storeErrors(() => this.#deliveries.deleteOne(byId<DeliveryDocument>(document._id)));
    return "outdated";
  }
}

async function inserted<Document extends { readonly _id: string }>(
  collection: mongo.Collection<Document>,
  document: mongo.OptionalUnlessRequiredId<Document>,
): Promise<"inserted" | "present"> {
  try {
    await storeErrors(() => collection.insertOne(document));
    return "inserted";
  } catch (error) {
    if (isDuplicateKey(error)) return "present";
    throw error;
  }
}
