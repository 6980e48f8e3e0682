import {
  type DeliverySummary,
  type DeliveryState,
  type DeliveryStore,
  summaryOf,
  type SwitchOff,
  type Webhook,
  type WebhookOff,
  webhookOffId,
  type WebhookOutbox,
  type WebhookStore,
} from "../src/index.ts";

/** Webhooks and their deliveries in one process. */
export class InMemoryWebhooks implements WebhookStore, DeliveryStore, WebhookOutbox {
  readonly #webhooks = new Map<string, Webhook>();
  readonly #deliveries = new Map<string, DeliveryState>();
  /** Events of webhooks that are still to be reported, by the ids of the events. */
  readonly #off = new Map<string, WebhookOff>();
  /** Runs before every step; throwing makes it fail. */
  beforeStep: () => Promise<void> = async () => undefined;

  async find(id: string): Promise<Webhook | null> {
    await this.beforeStep();
    return this.#webhooks.get(id) ?? null;
  }

  async list(): Promise<Webhook[]> {
    await this.beforeStep();
    return [...this.#webhooks.values()].toSorted((a, b) => a.createdAt - b.createdAt);
  }

  async deliveries(): Promise<DeliverySummary[]> {
    await this.beforeStep();
    return [...this.#deliveries.values()].map(summaryOf);
  }

  async insert(webhook: Webhook): Promise<"inserted" | "present"> {
    await this.beforeStep();
    if (this.#webhooks.has(webhook.id)) return "present";
    this.#webhooks.set(webhook.id, webhook);
    return "inserted";
  }

  async replace(webhook: Webhook, revision: number, switchedOff?: SwitchOff): Promise<"replaced" | "outdated"> {
    await this.beforeStep();
    if (this.#webhooks.get(webhook.id)?.revision !== revision) return "outdated";
    this.#webhooks.set(webhook.id, webhook);
    const { id, url, owner } = webhook;
    const event = webhookOffId(id, webhook.revision);
    if (switchedOff !== undefined) this.#off.set(event, { ...switchedOff, id: event, webhook: { id, url, owner } });
    return "replaced";
  }

  async pending(webhookIds: readonly string[]): Promise<WebhookOff[]> {
    await this.beforeStep();
    return [...this.#off.values()].filter(({ webhook }) => webhookIds.includes(webhook.id));
  }

  async mark(eventIds: readonly string[]): Promise<void> {
    await this.beforeStep();
    for (const id of eventIds) this.#off.delete(id);
  }

  async unlogged(): Promise<string[]> {
    await this.beforeStep();
    return [...this.#off.values()].map(({ webhook }) => webhook.id);
  }

  async remove(id: string): Promise<boolean> {
    await this.beforeStep();
    this.#deliveries.delete(id);
    return this.#webhooks.delete(id);
  }

  async delivery(webhookId: string): Promise<DeliveryState | null> {
    await this.beforeStep();
    return this.#deliveries.get(webhookId) ?? null;
  }

  async keepDelivery(state: DeliveryState): Promise<"kept" | "outdated"> {
    await this.beforeStep();
    const revision = this.#deliveries.get(state.webhookId)?.revision ?? 0;
    if (!this.#webhooks.has(state.webhookId) || revision !== state.revision - 1) return "outdated";
    this.#deliveries.set(state.webhookId, state);
    return "kept";
  }

  async forgetDeliveries(): Promise<void> {
    await this.beforeStep();
    for (const id of this.#deliveries.keys()) if (!this.#webhooks.has(id)) this.#deliveries.delete(id);
  }
}
