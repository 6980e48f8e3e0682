import { createHash } from "node:crypto";
import { type CreateKeyBody, type KeyBody, shownKey, type UpdateKeyBody } from "@veil/http-contract";
import { DEFAULT_GROUPS, type KeyFacts, type SettableTerms, type Viewer } from "@veil/keys";
import type { RequestedAttributes, TrafficFigures } from "../ports.ts";
import type { JsonReply } from "../reply/reply.ts";

/** The settings of the installation that every key shows. */
export interface KeyShowing {
  /** The Reality short id. */
  readonly shortId: string;
  readonly subscriptionUrlOf: (token: string) => string;
}

/**
 * A key as callers see it.
 *
 * @param traffic null for a key that was never counted
 * @param now milliseconds since the epoch: the status is that of this moment
 */
export function keyBody(key: KeyFacts, traffic: TrafficFigures | null, now: number, showing: KeyShowing): KeyBody {
  const { key_id, ...shown } = shownKey(key, traffic, now, showing);
  return { key_id, uuid: key.uuid, ...shown, subscription_url: showing.subscriptionUrlOf(key.token) };
}

/** The answer of a single key, with the tag that `If-Match` and `If-None-Match` name. */
export function keyReply(body: KeyBody, headers: Readonly<Record<string, string>> = {}): JsonReply {
  const hash = createHash("sha256").update(JSON.stringify(body)).digest("base64url").slice(0, 16);
  return { kind: "json", status: 200, body, headers: { ...headers, ETag: `"${body.revision}-${hash}"` } };
}

/** The attributes that a caller requests for a new key; missing ones are chosen here. It belongs to the caller's owner. */
export function requestedAttributes({ name = null, ...terms }: CreateKeyBody, { owner }: Viewer): RequestedAttributes {
  return { name, owner, terms: settableTerms(terms) };
}

type TermsBody = Omit<UpdateKeyBody, "name" | "reset_traffic" | "reset_devices">;

/** The terms of a key that a body sets. Null takes back what has a value by itself. */
export function settableTerms(body: TermsBody): Partial<SettableTerms> {
  return {
    ...(body.enabled !== undefined && { enabled: body.enabled ?? true }),
    ...(body.expires_at !== undefined && { expiresAt: body.expires_at }),
    ...(body.traffic_limit !== undefined && { trafficLimit: body.traffic_limit }),
    ...(body.traffic_reset !== undefined && { trafficReset: body.traffic_reset ?? "none" }),
    ...(body.hold_for !== undefined && { holdFor: body.hold_for }),
    ...(body.hold_until !== undefined && { holdUntil: body.hold_until }),
    ...(body.external_id !== undefined && { externalId: body.external_id }),
    ...(body.tag !== undefined && { tag: body.tag }),
    ...(body.note !== undefined && { note: body.note }),
    ...(body.groups !== undefined && { groups: [...new Set(body.groups ?? DEFAULT_GROUPS)] }),
    ...(body.device_limit !== undefined && { deviceLimit: body.device_limit }),
  };
}
