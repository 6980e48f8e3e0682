import type { Outbox, VeilEvent } from "@veil/events";
import { type ShownKey, shownKey, type ShownTraffic } from "@veil/http-contract";
import { keyIdOfSubject, type KeyOutbox, type KeyRecord, subjectOf, type KeyEvent, unloggedEvents } from "@veil/keys";

export interface KeyEventsPorts {
  readonly outbox: KeyOutbox;
  /** What the ledger says of keys; one without a record is missing. */
  readonly trafficOf: (keyIds: readonly number[]) => Promise<ReadonlyMap<number, ShownTraffic>>;
  /** The Reality short id. */
  readonly shortId: string;
}

/** The events of keys, written out for callers. What keys moved is as stored now, all else as it was at the event. */
export function keyEvents({ outbox, trafficOf, shortId }: KeyEventsPorts): Outbox {
  return {
    pending: async (subjects) => {
      const keyIds = [...new Set(subjects.map(keyIdOfSubject).filter((keyId) => keyId !== null))];
      if (keyIds.length === 0) return [];
      const reported = (await outbox.histories(keyIds)).map((history) => ({
        ...history,
        reported: unloggedEvents(history),
      }));
      const unlogged = reported.filter((history) => history.reported.length > 0);
      if (unlogged.length === 0) return [];
      const traffic = await trafficOf(unlogged.map(({ key }) => key.keyId));
      return unlogged.flatMap(({ key, reported: events }) =>
        events.map((event) => written(event, key, traffic.get(key.keyId) ?? null, shortId)),
      );
    },
    mark: async (events) => {
      const marks = new Map<number, string[]>();
      for (const { id, subject } of events) {
        const keyId = keyIdOfSubject(subject);
        if (keyId !== null) marks.set(keyId, [...(marks.get(keyId) ?? []), id]);
      }
      if (marks.size > 0) await outbox.mark(marks);
    },
    subjects: async function* subjects() {
      for await (const keyIds of outbox.unrelayed()) yield keyIds.map(subjectOf);
    },
  };
}

function written(
  { id, type, at, actor, before, after, details }: KeyEvent,
  { keyId, createdAt, owner }: Pick<KeyRecord, "keyId" | "createdAt" | "owner">,
  traffic: ShownTraffic | null,
  shortId: string,
): VeilEvent {
  const show = (state: KeyEvent["after"]) => shownKey({ keyId, createdAt, ...state }, traffic, at * 1_000, { shortId });
  const key = show(after);
  const data = { key, ...(before !== null && { before: differing(show(before), key) }), ...details };
  return { id, type, at, actor, subject: subjectOf(keyId), keyId, owner, data };
}

/** What of a key was different, as it was. */
function differing(before: ShownKey, after: ShownKey): Partial<ShownKey> {
  const now = new Map<string, unknown>(Object.entries(after));
  const fields = Object.entries(before).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(now.get(field)),
  );
  return Object.fromEntries(fields);
}
