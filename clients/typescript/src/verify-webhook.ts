import { Webhook } from "standardwebhooks";
import type { components } from "./generated/schema.ts";

/** An event as a webhook delivers it and `GET /api/events` lists it. */
export type VeilEvent = components["schemas"]["Event"];

/** Headers of a request, with lower-case names, as Node has them. */
export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The event of a delivery, once its signature and its time are verified.
 *
 * @param body exactly as it came, not parsed and written again
 * @param secret `whsec_…`, as the answer that made the webhook shows it
 * @throws {Error} when the signature is wrong, or the timestamp is more than five minutes off: answer 401 then
 */
export function verifyWebhook(body: string, headers: WebhookHeaders, secret: string): VeilEvent {
  const signed: Record<string, string> = {};
  for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
    const value = headers[name];
    if (typeof value === "string") signed[name] = value;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is signed was written by the server
  return new Webhook(secret).verify(body, signed) as VeilEvent;
}
