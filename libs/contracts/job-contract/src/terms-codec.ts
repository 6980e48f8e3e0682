import { type KeyTerms, type SettableTerms, trafficResets, UNKNOWN_NOTICED } from "@veil/keys";
import { z } from "zod";

const seconds = z.number().int();
const bytes = z.number().int().nonnegative();
const label = z.string().max(1_000);

/** The terms that a caller chose for a key; snake_case in Redis. Missing fields were not chosen. */
const chosenWire = z.object({
  enabled: z.boolean().exactOptional(),
  expires_at: seconds.nullable().exactOptional(),
  traffic_limit: bytes.nullable().exactOptional(),
  traffic_reset: z.enum(trafficResets).exactOptional(),
  hold_for: seconds.nullable().exactOptional(),
  hold_until: seconds.nullable().exactOptional(),
  external_id: label.nullable().exactOptional(),
  tag: label.nullable().exactOptional(),
  note: z.string().max(4_000).nullable().exactOptional(),
  groups: z.array(label).exactOptional(),
  device_limit: z.number().int().positive().nullable().exactOptional(),
});

/** Terms that a caller chose, on the wire and in the domain. */
export const chosenTerms = z.codec(chosenWire, z.custom<Partial<SettableTerms>>(), {
  decode: (wire) =>
    present({
      enabled: wire.enabled,
      expiresAt: wire.expires_at,
      trafficLimit: wire.traffic_limit,
      trafficReset: wire.traffic_reset,
      holdFor: wire.hold_for,
      holdUntil: wire.hold_until,
      externalId: wire.external_id,
      tag: wire.tag,
      note: wire.note,
      groups: wire.groups,
      deviceLimit: wire.device_limit,
    }),
  encode: (terms) => ({
    ...present({
      enabled: terms.enabled,
      expires_at: terms.expiresAt,
      traffic_limit: terms.trafficLimit,
      traffic_reset: terms.trafficReset,
      hold_for: terms.holdFor,
      hold_until: terms.holdUntil,
      external_id: terms.externalId,
      tag: terms.tag,
      note: terms.note,
      device_limit: terms.deviceLimit,
    }),
    ...(terms.groups !== undefined && { groups: [...terms.groups] }),
  }),
});

const moved = z.object({ upload: bytes, download: bytes });

const termsWire = z.object({
  ...chosenWire.required().shape,
  revision: z.number().int(),
  next_reset_at: seconds.nullable(),
  reset_anchor: seconds,
  used_from: moved,
  limited_at: seconds.nullable(),
  is_expiry_counted: z.boolean(),
  hold_from: bytes,
  /** Missing in results of workers that know no devices: may be required from 1.3 on. */
  device_epoch: z.number().int().exactOptional(),
});

/** All terms of a key, on the wire and in the domain. */
export const termsCodec = z.codec(termsWire, z.custom<KeyTerms>(), {
  decode: (wire) => ({
    enabled: wire.enabled,
    expiresAt: wire.expires_at,
    trafficLimit: wire.traffic_limit,
    trafficReset: wire.traffic_reset,
    holdFor: wire.hold_for,
    holdUntil: wire.hold_until,
    externalId: wire.external_id,
    tag: wire.tag,
    note: wire.note,
    groups: wire.groups,
    deviceLimit: wire.device_limit,
    revision: wire.revision,
    nextResetAt: wire.next_reset_at,
    resetAnchor: wire.reset_anchor,
    usedFrom: wire.used_from,
    limitedAt: wire.limited_at,
    isExpiryCounted: wire.is_expiry_counted,
    holdFrom: wire.hold_from,
    deviceEpoch: wire.device_epoch ?? 0,
    // No caller sees it: it does not travel.
    noticed: UNKNOWN_NOTICED,
  }),
  encode: (terms) => ({
    enabled: terms.enabled,
    expires_at: terms.expiresAt,
    traffic_limit: terms.trafficLimit,
    traffic_reset: terms.trafficReset,
    hold_for: terms.holdFor,
    hold_until: terms.holdUntil,
    external_id: terms.externalId,
    tag: terms.tag,
    note: terms.note,
    groups: [...terms.groups],
    device_limit: terms.deviceLimit,
    revision: terms.revision,
    next_reset_at: terms.nextResetAt,
    reset_anchor: terms.resetAnchor,
    used_from: terms.usedFrom,
    limited_at: terms.limitedAt,
    is_expiry_counted: terms.isExpiryCounted,
    hold_from: terms.holdFrom,
    device_epoch: terms.deviceEpoch,
  }),
});

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The entries that say something. */
function present<T extends object>(entries: T): Present<T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- exactly the entries that are undefined are left out
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as Present<T>;
}
