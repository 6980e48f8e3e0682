import { type KeyFacts, type MovedBytes, statusOf, termsAt, usedTraffic } from "@veil/keys";
import type { KeyBody } from "./key-bodies.ts";

/** A key as whoever may have none of its secrets sees it. */
export type ShownKey = Omit<KeyBody, "uuid" | "subscription_url">;

/** The ledger's figures of a key. Moments in unix seconds. */
export interface ShownTraffic extends MovedBytes {
  readonly firstCountedAt: number | null;
  readonly lastCountedAt: number | null;
}

/** The settings of the installation that every key shows. */
export interface ShownEverywhere {
  /** The Reality short id. */
  readonly shortId: string;
}

const NOTHING = { upload: 0, download: 0 } as const;
const NOTHING_MOVED = { lifetime: NOTHING, reset: NOTHING } as const;

/**
 * A key as callers see it, without what lets anybody connect.
 *
 * @param traffic null for a key that was never counted
 * @param now milliseconds since the epoch: the status is that of this moment
 */
export function shownKey(
  key: Pick<KeyFacts, "keyId" | "name" | "createdAt" | "terms">,
  traffic: ShownTraffic | null,
  now: number,
  { shortId }: ShownEverywhere,
): ShownKey {
  const terms = termsAt(key.terms, now);
  const status = statusOf(key.terms, now);
  const { lifetime, reset } = traffic ?? NOTHING_MOVED;
  const used = usedTraffic(key.terms, { lifetime, reset }, now);
  return {
    key_id: key.keyId,
    short_id: shortId,
    name: key.name,
    created_at: key.createdAt,
    is_active: status === "active" || status === "on_hold",
    status,
    enabled: terms.enabled,
    expires_at: terms.expiresAt,
    traffic_limit: terms.trafficLimit,
    traffic_reset: terms.trafficReset,
    next_reset_at: terms.nextResetAt,
    traffic_used: used.upload + used.download,
    traffic_lifetime: lifetime.upload + lifetime.download,
    hold_for: terms.holdFor,
    hold_until: terms.holdUntil,
    external_id: terms.externalId,
    tag: terms.tag,
    note: terms.note,
    groups: [...terms.groups],
    device_limit: terms.deviceLimit,
    online_at: traffic?.lastCountedAt ?? null,
    first_connected_at: traffic?.firstCountedAt ?? null,
    revision: terms.revision,
  };
}
