import type { Outbox, VeilEvent } from "@veil/events";
import { shownDevice, type ShownKey, shownKey, type ShownTraffic } from "@veil/http-contract";
import {
  type DeviceOutbox,
  devicesSubjectOf,
  isDeviceEventId,
  type KeyEvent,
  keyIdOfDevicesSubject,
  keyIdOfSubject,
  type KeyOutbox,
  type KeyRecord,
  subjectOf,
  unloggedEvents,
} from "@veil/keys";

export interface KeyEventsPorts {
  readonly outbox: KeyOutbox;
  readonly devices: DeviceOutbox;
  /** The ledger's figures of keys; a key without a record is missing. */
  readonly trafficOf: (keyIds: readonly number[]) => Promise<ReadonlyMap<number, ShownTraffic>>;
  /** The Reality short id. */
  readonly shortId: string;
  /** Called for a key of which what is stored makes no sense: it reports nothing. */
  readonly onUnreadable: (keyId: number, error: unknown) => void;
}

/**
 * The events of keys and of their devices, written out for callers. What keys moved is as stored now, and nothing for one that
 * was made; all else as it was at the event. Those of devices are looked for where they were expected, and where a key ends, which
 * is the last event of it.
 */
export function keyEvents({ outbox, devices, trafficOf, shortId, onUnreadable }: KeyEventsPorts): Outbox {
  /** Only here the stored former values are read: a key whose values make no sense fails alone. */
  const alone = <T>(keyId: number, write: () => readonly T[]): readonly T[] => {
    try {
      return write();
    } catch (error) {
      onUnreadable(keyId, error);
      return [];
    }
  };
  return {
    pending: async (subjects) => {
      const withDevices = new Set(subjects.map(keyIdOfDevicesSubject).filter((keyId) => keyId !== null));
      const keyIds = [...new Set([...subjects.map(keyIdOfSubject).filter((keyId) => keyId !== null), ...withDevices])];
      if (keyIds.length === 0) return [];
      const histories = await outbox.histories(keyIds);
      const ended = histories.filter(({ deletion }) => deletion !== null).map(({ key }) => key.keyId);
      const ofDevices = [...new Set([...withDevices, ...ended])];
      const deviceEvents = ofDevices.length === 0 ? NONE : await devices.unlogged(ofDevices);
      const reported = histories.map((history) => ({
        ...history,
        reported: unloggedEvents(history, deviceEvents.get(history.key.keyId)),
      }));
      const unlogged = reported.filter((history) => history.reported.length > 0);
      if (unlogged.length === 0) return [];
      const used = unlogged.filter((history) => history.reported.some(isOfUsedKey)).map(({ key }) => key.keyId);
      const traffic = await trafficOf(used);
      const movedAt = (event: KeyEvent, keyId: number) => (isOfUsedKey(event) ? (traffic.get(keyId) ?? null) : null);
      return unlogged.flatMap(({ key, reported: events }) =>
        alone(key.keyId, () => events.map((event) => written(event, key, movedAt(event, key.keyId), shortId))),
      );
    },
    mark: async (events) => {
      const [ofDevices, ofKeys] = [new Map<number, string[]>(), new Map<number, string[]>()];
      for (const { id, subject } of events) {
        const keyId = keyIdOfSubject(subject);
        const marks = isDeviceEventId(id) ? ofDevices : ofKeys;
        if (keyId !== null) marks.set(keyId, [...(marks.get(keyId) ?? []), id]);
      }
      if (ofKeys.size > 0) await outbox.mark(ofKeys);
      if (ofDevices.size > 0) await devices.mark(ofDevices);
    },
    subjects: async function* subjects() {
      for await (const keyIds of outbox.unrelayed()) yield keyIds.map(subjectOf);
      for await (const keyIds of devices.unrelayed()) yield keyIds.map(devicesSubjectOf);
    },
  };
}

/** A key that was made has moved nothing then, and is most of what is reported while many are made. */
function isOfUsedKey({ type }: KeyEvent): boolean {
  return type !== "key.created";
}

const NONE: Awaited<ReturnType<DeviceOutbox["unlogged"]>> = new Map();

function written(
  { id, type, at, actor, before, after, details, device }: KeyEvent,
  { keyId, createdAt, owner }: Pick<KeyRecord, "keyId" | "createdAt" | "owner">,
  traffic: ShownTraffic | null,
  shortId: string,
): VeilEvent {
  const show = (state: KeyEvent["after"]) => shownKey({ keyId, createdAt, ...state }, traffic, at * 1_000, { shortId });
  const key = show(after);
  const data = {
    key,
    ...(before !== null && { before: differing(show(before), key) }),
    ...details,
    ...(device !== undefined && { device: shownDevice(device, type === "key.device_added") }),
  };
  return { id, type, at, actor, subject: subjectOf(keyId), keyId, owner, data };
}

/** The fields of a key that were different, with their former values. */
function differing(before: ShownKey, after: ShownKey): Partial<ShownKey> {
  const now = new Map<string, unknown>(Object.entries(after));
  const isOther = (value: unknown, next: unknown) => value !== next && JSON.stringify(value) !== JSON.stringify(next);
  return Object.fromEntries(Object.entries(before).filter(([field, value]) => isOther(value, now.get(field))));
}
