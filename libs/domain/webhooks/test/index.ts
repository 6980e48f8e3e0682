export { InMemoryEvents } from "./in-memory-events.ts";
export { InMemoryWebhooks } from "./in-memory-webhooks.ts";
export { storedWebhook } from "./stored-webhook.ts";
export { webhookStoreConformance } from "./webhook-store-conformance.ts";
