/** Webhooks: who gets which events, signed, sealed, in order and at least once. Pure: no I/O, no clock of its own. */
export {
  changeWebhook,
  type ChangeWebhookResult,
  createWebhook,
  deleteWebhook,
  switchOff,
  type WebhookPorts,
} from "./change-webhooks.ts";
export { deliverEvents, type DeliverPorts, type DeliveryEnd, type SendEnd } from "./deliver-events.ts";
export { type DeliverySummary, summaryOf, isDue } from "./delivery-summary.ts";
export {
  DEAD_AFTER_MS,
  type DeliveryState,
  firstState,
  isChangedSince,
  isSwitchedOnSince,
  RETRY_FOR_MS,
  type WaitingLane,
} from "./delivery-state.ts";
export type { DeliveryStore, SwitchOff, WebhookOff, WebhookOutbox, WebhookReader, WebhookStore } from "./ports.ts";
export {
  openSecret,
  SEAL_NONCE_BYTES,
  SealBrokenError,
  SEALING_KEY_BYTES,
  sealSecret,
  SECRET_BYTES,
  secretText,
  type SignedHeaders,
  signedHeaders,
} from "./secrets.ts";
export { hostOf, isPublicAddress, urlFault } from "./target-rules.ts";
export {
  LONGEST_URL,
  MOST_WEBHOOKS,
  MOST_WEBHOOKS_IN_ALL,
  MOST_WEBHOOKS_OF_OWNER,
  type NewWebhook,
  partsOfWebhookOffId,
  type Webhook,
  type WebhookChange,
  webhookIdOfSubject,
  webhookOffId,
  webhookSubject,
} from "./webhook.ts";
export { isMeant, type WebhookEvent, type WebhookEvents } from "./webhook-event.ts";
