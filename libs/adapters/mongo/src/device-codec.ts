import type { DeviceEvent, DeviceList, SeenDevice } from "@veil/keys";
import { z } from "zod";

const label = z.string().nullable().default(null);

const labels = { id: z.string(), os: label, os_version: label, model: label, user_agent: label } as const;

const storedDevice = z.object({
  ...labels,
  /** Unix seconds, as `last_seen_at`. */
  first_seen_at: z.number(),
  last_seen_at: z.number(),
});

/** An event of the devices, until it is in the log and the next list leaves it out. */
const storedEvent = z.object({
  id: z.string(),
  /** A type that only a newer version knows is nothing here. */
  type: z.string(),
  /** Unix seconds. */
  at: z.number(),
  request_id: z.string(),
  revision: z.number(),
  device: z.object({ ...labels, first_seen_at: z.number().nullable(), last_seen_at: z.number().nullable() }),
});

/**
 * The devices of a key; `_id` is the key's id. `list` is replaced as a whole by `$max`: engines compare documents field by
 * field, so `epoch`, `version` and `fence` come first and of two lists the later one stands. A worker of a version that knows
 * no events writes it without `refusals` and `outbox`.
 */
export const deviceDocument = z.object({
  _id: z.string(),
  list: z.object({
    epoch: z.number(),
    version: z.number(),
    fence: z.number(),
    changed_by: z.array(z.string()),
    devices: z.array(storedDevice),
    refusals: z.array(z.object({ id: z.string(), at: z.number() })).default([]),
    outbox: z.array(storedEvent).default([]),
    /** When each of `changed_by` did so, in unix seconds. */
    changed_at: z.array(z.number().nullable()).exactOptional(),
  }),
  /** Marks of events that are in the log, beside the list, so that they stay whoever replaces that. */
  relayed: z.record(z.string(), z.literal(true)).exactOptional(),
});
export type DeviceDocument = Readonly<z.infer<typeof deviceDocument>>;

/** Without the events that are in the log. @param logged ids of these, those that are marked when left out */
export function toDeviceList(
  { _id, list, relayed = {} }: DeviceDocument,
  logged: ReadonlySet<string> = new Set(Object.keys(relayed)),
): DeviceList {
  const { epoch, version, fence, changed_by: changedBy, changed_at: changedAt, refusals } = list;
  const outbox = list.outbox.filter(({ id }) => !logged.has(id)).flatMap(toEvent);
  return {
    keyId: Number(_id),
    epoch,
    version,
    fence,
    changedBy,
    ...(changedAt !== undefined && { changedAt }),
    devices: list.devices.map(toDevice),
    refusals,
    outbox,
  };
}

/** Whether some event may not be in the log: no more than a hint. */
export function isUnrelayed(document: DeviceDocument): boolean {
  return toDeviceList(document).outbox.length > 0;
}

/** The order of the first fields decides which of two lists is the later one. */
export function toStoredList(list: DeviceList): DeviceDocument["list"] {
  const { epoch, version, fence, changedBy, changedAt, devices, refusals, outbox } = list;
  const first = { epoch, version, fence, changed_by: [...changedBy], devices: devices.map(toStoredDevice) };
  const reported = {
    ...(refusals.length > 0 && { refusals: refusals.map(({ id, at }) => ({ id, at })) }),
    ...(outbox.length > 0 && { outbox: outbox.map(toStoredEvent) }),
    ...(changedAt !== undefined && { changed_at: [...changedAt] }),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is left out is read as empty
  return { ...first, ...reported } as DeviceDocument["list"];
}

/** @returns nothing for a type that only a newer version knows */
function toEvent({ type, request_id: requestId, device, ...same }: z.infer<typeof storedEvent>): DeviceEvent[] {
  if (type !== "key.device_added" && type !== "key.device_refused") return [];
  return [{ ...same, type, requestId, device: toDevice(device) }];
}

function toStoredEvent({ id, type, at, requestId, revision, device }: DeviceEvent): z.infer<typeof storedEvent> {
  return { id, type, at, request_id: requestId, revision, device: toStoredDevice(device) };
}

type Moment = number | null;

interface Seen<M extends Moment> extends SeenDevice {
  readonly firstSeenAt: M;
  readonly lastSeenAt: M;
}

interface StoredSeen<M extends Moment> extends z.infer<z.ZodObject<typeof labels>> {
  first_seen_at: M;
  last_seen_at: M;
}

function toDevice<M extends Moment>({
  os_version: osVersion,
  user_agent: userAgent,
  first_seen_at: firstSeenAt,
  last_seen_at: lastSeenAt,
  ...same
}: StoredSeen<M>): Seen<M> {
  return { ...same, osVersion, userAgent, firstSeenAt, lastSeenAt };
}

function toStoredDevice<M extends Moment>({
  osVersion: os_version,
  userAgent: user_agent,
  firstSeenAt: first_seen_at,
  lastSeenAt: last_seen_at,
  id,
  os,
  model,
}: Seen<M>): StoredSeen<M> {
  return { id, os, os_version, model, user_agent, first_seen_at, last_seen_at };
}
