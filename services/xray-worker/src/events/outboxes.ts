import { type Outbox, SYSTEM } from "@veil/events";
import { FLEET_SUBJECT, type FleetOutbox, isFleetEventId } from "@veil/nodes";
import { tokenIdOfSubject, type TokenOutbox, tokenSubject } from "@veil/tokens";
import { webhookIdOfSubject, type WebhookOutbox, webhookSubject } from "@veil/webhooks";

/** The events of changes of the fleet, written out for callers. */
export function fleetEvents(outbox: FleetOutbox): Outbox {
  return {
    pending: async (subjects) => {
      const events = subjects.includes(FLEET_SUBJECT) ? await outbox.pending() : [];
      return events.map(({ id, type, at, actor, node }) => ({
        id,
        type,
        at,
        actor,
        subject: FLEET_SUBJECT,
        keyId: null,
        owner: null,
        data: { node },
      }));
    },
    mark: (events) => {
      const ofFleet = events.filter(({ id, subject }) => subject === FLEET_SUBJECT && isFleetEventId(id));
      return outbox.mark(ofFleet.map(({ id }) => id));
    },
    subjects: async function* subjects() {
      yield [FLEET_SUBJECT];
    },
  };
}

/** The events of tokens, written out for callers. */
export function tokenEvents(outbox: TokenOutbox): Outbox {
  return {
    pending: async (subjects) => {
      const ids = [...new Set(subjects.map(tokenIdOfSubject).filter((id) => id !== null))];
      const events = ids.length === 0 ? [] : await outbox.pending(ids);
      return events.map(({ id, type, at, actor, token }) => {
        const { name, scopes, owner, addresses, rate, expiresAt: expires_at, createdAt: created_at } = token;
        const data = { token: { id: token.id, name, scopes, owner, rate, expires_at, addresses, created_at } };
        return { id, type, at, actor, subject: tokenSubject(token.id), keyId: null, owner, data };
      });
    },
    mark: (events) => outbox.mark(events.filter(({ subject }) => tokenIdOfSubject(subject) !== null)),
    subjects: async function* subjects() {
      yield (await outbox.unlogged()).map(tokenSubject);
    },
  };
}

/** Several places in which events are born, as one. */
export function allEvents(...outboxes: readonly Outbox[]): Outbox {
  return {
    pending: async (subjects) => (await Promise.all(outboxes.map((outbox) => outbox.pending(subjects)))).flat(),
    mark: async (events) => void (await Promise.all(outboxes.map((outbox) => outbox.mark(events)))),
    subjects: async function* subjects() {
      for (const outbox of outboxes) yield* outbox.subjects();
    },
  };
}

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
