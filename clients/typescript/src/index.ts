/** Client of the Veil Xray API. */
export { createVeilClient, type VeilClient, type VeilClientOptions } from "./create-veil-client.ts";
export type { components, operations, paths } from "./generated/schema.ts";
export { verifyWebhook, type VeilEvent, type WebhookHeaders } from "./verify-webhook.ts";
