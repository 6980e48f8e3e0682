import { connectionLink } from "@veil/protocols";
import { noticeReason } from "./notices.ts";
import type { KeyStatus, Subscription } from "./subscription.ts";
import { uniqueRemarks } from "./entries.ts";

/** The body of `/sub/{token}/info`, as bots read it. */
export interface SubscriptionInfo {
  readonly status: KeyStatus;
  readonly upload: number;
  readonly download: number;
  readonly traffic_limit: number | null;
  readonly expires_at: number | null;
  /** Share links; none while the key can't be used. */
  readonly links: readonly string[];
}

/** A subscription as programs read it. */
export function subscriptionInfo(subscription: Subscription, noFlow: "omit" | "write"): SubscriptionInfo {
  const { key, connections } = subscription;
  const shown = noticeReason(subscription) === null ? uniqueRemarks(connections) : [];
  return {
    status: key.status,
    upload: key.upload,
    download: key.download,
    traffic_limit: key.trafficLimit,
    expires_at: key.expiresAt,
    links: shown.map((connection) => connectionLink(connection, noFlow)),
  };
}
