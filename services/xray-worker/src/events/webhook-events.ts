import { type Outbox, SYSTEM } from "@veil/events";
import { webhookIdOfSubject, type WebhookOutbox, webhookSubject } from "@veil/webhooks";

/** The events of webhooks, written out for callers. */
export function webhookEvents(outbox: WebhookOutbox): Outbox {
  return {
    pending: async (subjects) => {
      const ids = [...new Set(subjects.map(webhookIdOfSubject).filter((id) => id !== null))];
      const events = ids.length === 0 ? [] : await outbox.pending(ids);
      return events.map(({ id, at, reason, webhook }) => ({
        id,
        type: "webhook.disabled",
        at,
        actor: SYSTEM,
        subject: webhookSubject(webhook.id),
        keyId: null,
        owner: webhook.owner,
        data: { webhook: { id: webhook.id, url: webhook.url, disabled_reason: reason } },
      }));
    },
    mark: async (events) => {
      const ofWebhooks = events.filter(({ subject }) => webhookIdOfSubject(subject) !== null);
      await outbox.mark(ofWebhooks.map(({ id }) => id));
    },
    subjects: async function* subjects() {
      yield (await outbox.unlogged()).map(webhookSubject);
    },
  };
}
