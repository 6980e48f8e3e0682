import { isEventType, type LoggedEvent, type VeilEvent } from "@veil/events";
import { z } from "zod";

/** Enough for the largest number that counts exactly. */
const SEQ_DIGITS = 16;

/** The data that callers are shown, as JSON text: its names contain dots and dollars. */
const shownData = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue("the data are no JSON");
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string(), z.unknown()));

/** An event. `_id` is its number as text of one length, so that the order of the texts is that of the numbers. */
export const eventDocument = z.object({
  _id: z.string(),
  seq: z.number(),
  id: z.string(),
  type: z.string(),
  /** Unix seconds. */
  at: z.number(),
  actor: z.object({ name: z.string(), address: z.string().nullable(), request_id: z.string().nullable() }),
  subject: z.string(),
  key_id: z.number().nullable(),
  owner: z.string().nullable(),
  data: shownData,
});
export type EventDocument = Readonly<z.input<typeof eventDocument>>;

/** The `_id` of the event that has this number. */
export function eventId(seq: number): string {
  return String(seq).padStart(SEQ_DIGITS, "0");
}

export function toEventDocument(event: VeilEvent, seq: number): EventDocument {
  const { id, type, at, actor, subject, keyId, owner, data } = event;
  return {
    _id: eventId(seq),
    seq,
    id,
    type,
    at,
    actor: { name: actor.name, address: actor.address, request_id: actor.requestId },
    subject,
    key_id: keyId,
    owner,
    data: JSON.stringify(data),
  };
}

/** Null for an event of a type that only a newer version knows. */
export function toLoggedEvent(document: z.output<typeof eventDocument>): LoggedEvent | null {
  const { seq, id, type, at, actor, subject, key_id: keyId, owner, data } = document;
  if (!isEventType(type)) return null;
  const { name, address, request_id: requestId } = actor;
  return { seq, id, type, at, actor: { name, address, requestId }, subject, keyId, owner, data };
}
