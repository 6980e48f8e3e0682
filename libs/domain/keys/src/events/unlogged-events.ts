import { type Actor, type EventType, SYSTEM } from "@veil/events";
import type { KeyRecord } from "../access-key.ts";
import type { DeviceEvent, ReportedDevice } from "../devices/device-events.ts";
import { deletionEventId, type KeyStep, type StepStamp } from "./key-steps.ts";
import type { ChangedKey } from "./steps-of-change.ts";

/** A key and all that its document still holds of its history. */
export interface KeyHistory {
  readonly key: KeyRecord;
  /** The oldest first; those that are logged already among them, until the next change drops them. */
  readonly steps: readonly KeyStep[];
  /** The actor that deleted it, or the reason why it went by itself; null while it is not deleted. */
  readonly deletion: StepStamp | null;
  /** Ids of events that are logged. */
  readonly relayed: ReadonlySet<string>;
}

/** An event of a key, before it is written out for callers. */
export interface KeyEvent {
  readonly id: string;
  readonly type: EventType;
  /** Unix seconds. */
  readonly at: number;
  readonly actor: Actor;
  /** The key right after it. */
  readonly after: ChangedKey;
  /** The key right before it; null where nothing was different. */
  readonly before: ChangedKey | null;
  readonly details: Readonly<Record<string, unknown>>;
  /** The device that it is about. */
  readonly device?: ReportedDevice;
}

/**
 * The events of a key that are not logged yet, in their order. The key as it was at each step is found from the key as it
 * is now, by undoing one step after the other.
 *
 * Of a key that was refused there are none. Once its deletion is logged nothing more is reported of a key: what a change that came too late left there has changed nothing.
 *
 * @param ofDevices the events of its devices that are not logged: each comes behind those of the revision that the key had
 */
export function unloggedEvents(
  { key, steps, deletion, relayed }: KeyHistory,
  ofDevices: readonly DeviceEvent[] = [],
): KeyEvent[] {
  const deleted = deletionEventId(key.keyId);
  if (relayed.has(deleted) || !key.activated) return [];
  const last: ChangedKey = { name: key.name, terms: key.terms };
  const reported: KeyEvent[] = [];
  const versions: [ChangedKey, ...ChangedKey[]] = [last];
  let after = last;
  for (const { at, actor, was, events } of steps.toReversed()) {
    const before: ChangedKey = {
      name: was.name === undefined ? after.name : was.name,
      terms: { ...after.terms, ...was.terms },
    };
    const isSame = was.name === undefined && Object.keys(was.terms).length === 0;
    for (const { id, type, details = {} } of events.toReversed()) {
      if (!relayed.has(id)) reported.push({ id, type, at, actor, after, before: isSame ? null : before, details });
    }
    after = before;
    versions.push(before);
  }
  reported.reverse();
  for (const event of ofDevices) {
    const next = reported.findIndex((other) => other.after.terms.revision > event.revision);
    reported.splice(next === -1 ? reported.length : next, 0, ofDevice(event, versions));
  }
  if (deletion === null) return reported;
  return [...reported, { id: deleted, type: "key.deleted", ...deletion, after: last, before: null, details: {} }];
}

/** @param versions what the key was like, the newest first; what came before the first step is not known any more */
function ofDevice(
  { id, type, at, requestId, revision, device }: DeviceEvent,
  versions: readonly [ChangedKey, ...ChangedKey[]],
): KeyEvent {
  const after = versions.find(({ terms }) => terms.revision <= revision) ?? versions.at(-1) ?? versions[0];
  return { id, type, at, actor: { ...SYSTEM, requestId }, after, before: null, details: {}, device };
}
