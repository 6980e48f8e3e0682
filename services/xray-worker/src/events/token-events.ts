import type { Outbox } from "@veil/events";
import { tokenIdOfSubject, type TokenOutbox, tokenSubject } from "@veil/tokens";

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
