import { randomUUID } from "node:crypto";
import type { WebhookEvent } from "@veil/webhooks";

/** An event that says nothing, of no position in the log. @param now milliseconds since the epoch */
export function testEvent(now: number): Pick<WebhookEvent, "id" | "body"> {
  const id = `test_${randomUUID()}`;
  const at = Math.floor(now / 1_000);
  const actor = { name: "system", address: null, request_id: null };
  return { id, body: JSON.stringify({ id, seq: 0, type: "webhook.test", at, actor, data: {} }) };
}
