import { isEventType } from "@veil/events";
import type { KeyStep, KeyTerms, KeyWas, StepEvent, StepStamp } from "@veil/keys";
import { z } from "zod";

/** Names of the terms' fields in documents. */
const STORED_NAMES = {
  revision: "revision",
  enabled: "enabled",
  expiresAt: "expires_at",
  trafficLimit: "traffic_limit",
  trafficReset: "traffic_reset",
  nextResetAt: "next_reset_at",
  resetAnchor: "reset_anchor",
  usedFrom: "used_from",
  limitedAt: "limited_at",
  isExpiryCounted: "is_expiry_counted",
  holdFor: "hold_for",
  holdUntil: "hold_until",
  holdFrom: "hold_from",
  externalId: "external_id",
  tag: "tag",
  note: "note",
  groups: "groups",
  deviceLimit: "device_limit",
  deviceEpoch: "device_epoch",
} as const satisfies Record<Exclude<keyof KeyTerms, "noticed">, string>;
const FIELD_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(STORED_NAMES).map(([field, stored]) => [stored, field]),
);

/** The actor of a step and its time, in unix seconds. */
export const stampDocument = z.object({
  at: z.number(),
  actor: z.object({ name: z.string(), address: z.string().nullable(), request_id: z.string().nullable() }),
});
type StampDocument = Readonly<z.infer<typeof stampDocument>>;

/** A step of a key's history as it stands in the key's terms until the next change of the key drops it. */
export const stepDocument = stampDocument.extend({
  was: z.object({ name: z.string().nullable().exactOptional(), terms: z.record(z.string(), z.unknown()) }),
  /** A type that only a newer version knows is nothing here. */
  events: z.array(
    z.object({ id: z.string(), type: z.string(), details: z.record(z.string(), z.unknown()).exactOptional() }),
  ),
});
export type StepDocument = Readonly<z.infer<typeof stepDocument>>;

export function toStampDocument({ at, actor }: StepStamp): StampDocument {
  return { at, actor: { name: actor.name, address: actor.address, request_id: actor.requestId } };
}

export function stampOf({ at, actor }: StampDocument): StepStamp {
  return { at, actor: { name: actor.name, address: actor.address, requestId: actor.request_id } };
}

export function toStepDocument(step: KeyStep): StepDocument {
  const { name, terms } = step.was;
  return {
    ...toStampDocument(step),
    was: { ...(name !== undefined && { name }), terms: renamed(terms, STORED_NAMES) },
    events: step.events.map(({ id, type, details }) => ({ id, type, ...(details !== undefined && { details }) })),
  };
}

export function toStep({ was, events, ...stamp }: StepDocument): KeyStep {
  const known = events.flatMap(({ id, type, details }): StepEvent[] =>
    isEventType(type) ? [{ id, type, ...(details !== undefined && { details }) }] : [],
  );
  return { ...stampOf(stamp), was: toWas(was), events: known };
}

function toWas({ name, terms }: StepDocument["was"]): KeyWas {
  return { ...(name !== undefined && { name }), terms: renamed(terms, FIELD_NAMES) };
}

function renamed(
  values: Readonly<Record<string, unknown>>,
  names: Readonly<Record<string, string>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([field, value]) => {
      const name = names[field];
      return name === undefined ? [] : [[name, value]];
    }),
  );
}
