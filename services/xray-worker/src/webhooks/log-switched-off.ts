import { type EventLog, type Outbox, relayEvents, SYSTEM } from "@veil/events";
import type { Webhook } from "@veil/webhooks";

export interface LogSwitchedOffPorts {
  readonly events: EventLog;
  /** Where other events are born: what is met of them is marked there. */
  readonly outbox: Outbox;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Logs that a webhook was switched off by itself. A worker that dies in this moment leaves the webhook switched off and the log
 * without it.
 *
 * @throws {StoreUnavailableError} while the store is unavailable
 */
export async function logSwitchedOff(
  { id, url, owner, revision }: Webhook,
  reason: string,
  { events, outbox, now }: LogSwitchedOffPorts,
): Promise<void> {
  const event = {
    id: `${id}-${revision}`,
    type: "webhook.disabled",
    at: Math.floor(now() / 1_000),
    actor: SYSTEM,
    subject: `webhook:${id}`,
    keyId: null,
    owner,
    data: { webhook: { id, url, disabled_reason: reason } },
  } as const;
  await relayEvents([event.subject], { log: events, outbox: { ...outbox, pending: async () => [event] } });
}
