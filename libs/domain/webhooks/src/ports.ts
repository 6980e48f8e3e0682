import type { DeliverySummary } from "./delivery-summary.ts";
import type { DeliveryState } from "./delivery-state.ts";
import type { Webhook } from "./webhook.ts";

/** Webhooks as they are read. Every method throws StoreUnavailableError while the store is unavailable. */
export interface WebhookReader {
  /** Null when there is none of this id. */
  find(id: string): Promise<Webhook | null>;
  /** All, the oldest first. There are few. */
  list(): Promise<Webhook[]>;
  /** How far each webhook's deliveries are; of one that never had any there is none. */
  deliveries(): Promise<DeliverySummary[]>;
}

/** Webhooks as they are changed. A write of which no answer came may have happened. */
export interface WebhookStore extends WebhookReader {
  /** `present` when there is one of this id. */
  insert(webhook: Webhook): Promise<"inserted" | "present">;
  /**
   * Replaces the webhook as long as it has the revision; `outdated` when it has another one, or is gone.
   *
   * @param switchedOff what the {@link WebhookOutbox} has to tell of it from then on; left out when nothing
   */
  replace(webhook: Webhook, revision: number, switchedOff?: SwitchOff): Promise<"replaced" | "outdated">;
  /** Whether there was one. Its deliveries are forgotten; what is to be reported of it is not. */
  remove(id: string): Promise<boolean>;
}

/** That a webhook was switched off by itself. */
export interface SwitchOff {
  /** Unix seconds. */
  readonly at: number;
  readonly reason: string;
}

/** An event of a webhook that is not in the log yet. */
export interface WebhookOff extends SwitchOff {
  readonly id: string;
  readonly webhook: Pick<Webhook, "id" | "url" | "owner">;
}

/** Events of webhooks where they were born. Every method throws StoreUnavailableError while the store is unavailable. */
export interface WebhookOutbox {
  /** Those of these webhooks. */
  pending(webhookIds: readonly string[]): Promise<WebhookOff[]>;
  /** Marks events as logged. Those that are marked, or not there any more, change nothing. */
  mark(eventIds: readonly string[]): Promise<void>;
  /** Ids of all webhooks of which some event is not marked. */
  unlogged(): Promise<string[]>;
}

/**
 * The time of day by two clocks, either of which may be set wrong; milliseconds since the epoch. How long a receiver has taken
 * nothing is measured from the later one to the earlier one, so that neither has anything given up before its time.
 */
export interface DeliveryClock {
  /** By the clock that all processes share: when something is to be tried, and what is shown. */
  now(): number;
  earliest(): number;
  latest(): number;
}

/** How far deliveries are, as whoever makes them keeps it. */
export interface DeliveryStore {
  /** Null when there is none. */
  delivery(webhookId: string): Promise<DeliveryState | null>;
  /**
   * Keeps the state, whose revision is one higher than that of the state it follows (0 when there was none). `outdated` when
   * another process has kept one meanwhile, or the webhook is gone.
   */
  keepDelivery(state: DeliveryState): Promise<"kept" | "outdated">;
  /** Forgets the states of webhooks that are gone: versions before left some. */
  forgetDeliveries(): Promise<void>;
}
