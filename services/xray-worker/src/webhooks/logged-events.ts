import type { EventLog, LoggedEvent } from "@veil/events";
import { eventBody } from "@veil/http-contract";
import type { WebhookEvent, WebhookEvents } from "@veil/webhooks";

/** The log of events, as webhooks deliver it: each as `GET /api/events` shows it. */
export function loggedEvents(log: Pick<EventLog, "read" | "checkpoint">): WebhookEvents {
  return {
    after: async (seq, limit) => (await log.read({ after: seq, limit })).map(webhookEvent),
    find: async (seqs) => {
      const found = await Promise.all(seqs.map((seq) => log.read({ after: seq - 1, limit: 1 })));
      // Behind one that is gone there is another one.
      return found.flatMap(([event], index) =>
        event !== undefined && event.seq === seqs[index] ? [webhookEvent(event)] : [],
      );
    },
    // Events behind the checkpoint are found a moment later.
    head: () => log.checkpoint(),
  };
}

function webhookEvent(event: LoggedEvent): WebhookEvent {
  const { seq, id, type, at, subject, owner } = event;
  return { seq, id, type, at: at * 1_000, subject, owner, body: JSON.stringify(eventBody(event)) };
}
