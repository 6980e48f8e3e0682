import type { Connection } from "@veil/protocols";

/** Where a key stands. It can be used while it is `active` or `on_hold`. */
export type KeyStatus = "active" | "on_hold" | "limited" | "expired" | "disabled";

/** Why somebody who asks for a key's subscription gets none of its connections, although the key is in service. */
export type Refusal = "device_limit" | "device_id_missing";

/** Bytes that moved in one period. */
export interface UsagePeriod {
  /** When it began, in unix seconds. */
  readonly at: number;
  readonly upload: number;
  readonly download: number;
}

/** The key of a subscription, as the subscription shows it. */
export interface SubscriptionKey {
  /** The key's name for people, never empty: its name, or `key-<id>`. */
  readonly name: string;
  readonly status: KeyStatus;
  /** Bytes since the last reset. */
  readonly upload: number;
  readonly download: number;
  /** Bytes; null for none. */
  readonly trafficLimit: number | null;
  /** Unix seconds; null for never. */
  readonly expiresAt: number | null;
  /** Seconds that a key on hold has from its first byte on; null for any other. */
  readonly holdFor: number | null;
  /** By day, in ascending order; days without traffic may be missing. */
  readonly usage: readonly UsagePeriod[];
  /** The subscription's own address. */
  readonly url: string;
}

/** A key's subscription, as somebody is to see it who asks now. */
export interface Subscription {
  readonly key: SubscriptionKey;
  /** The ways to connect that work now, first the one of the key's `/link`. Empty while every node is down. */
  readonly connections: readonly Connection[];
  /** Null for everybody who may see the connections. */
  readonly refusal: Refusal | null;
}

/** Whether a key can be used in this status. */
export function isInService(status: KeyStatus): status is "active" | "on_hold" {
  return status === "active" || status === "on_hold";
}
