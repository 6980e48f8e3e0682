import { statusOf, termsAt, usedTraffic } from "@veil/keys";
import { filledRemark, type LinkedHost, type Placeholder } from "@veil/nodes";
import { linkName } from "@veil/protocols";
import type { LinkedFacts, RemarkMoment } from "./ports.ts";
import type { ApiSettings } from "./settings.ts";
import { bytesText } from "./subscriptions/page/figures.ts";

type RemarkSettings = Pick<ApiSettings, "SUBSCRIPTION_LANGUAGE" | "TIMEZONE">;

const DAY_SECONDS = 86_400;
/** Stands where there is no end and no limit. */
const ENDLESS = "∞";
const NOTHING = { upload: 0, download: 0 } as const;

/** Whether a placeholder needs to know what the key moved. */
export function tellsTraffic(placeholder: Placeholder): boolean {
  return placeholder === "traffic_used" || placeholder === "traffic_left";
}

/**
 * A host's name in clients, for one key. Amounts are rounded to three figures, so that a subscription stays the same
 * text while little moves.
 */
export function hostRemark(
  host: Pick<LinkedHost, "remark" | "node" | "address" | "at">,
  key: LinkedFacts,
  moment: RemarkMoment,
  { SUBSCRIPTION_LANGUAGE: language, TIMEZONE: timeZone }: RemarkSettings,
): string {
  const name = linkName({ id: key.keyId, name: key.name });
  if (host.remark === null) return moment.isFirst ? name : `${name} (${labelOf(host)})`;
  const { expiresAt, holdFor, trafficLimit } = termsAt(key.terms, moment.now);
  const now = Math.floor(moment.now / 1_000);
  const { upload, download } = moment.traffic === null ? NOTHING : usedTraffic(key.terms, moment.traffic, moment.now);
  const used = upload + download;
  return filledRemark(host.remark, (placeholder) => {
    switch (placeholder) {
      case "key_name":
        return name;
      case "key_id":
        return String(key.keyId);
      case "node":
        return host.node;
      case "address":
        return host.address ?? "";
      case "protocol":
        return host.at.inbound.protocol;
      case "status":
        return statusOf(key.terms, moment.now);
      case "days_left":
        return daysLeft(expiresAt === null ? holdFor : expiresAt - now);
      case "expires_on":
        return expiresAt === null ? ENDLESS : isoDay(expiresAt, timeZone);
      case "traffic_used":
        return bytesText(used, language);
      case "traffic_left":
        return trafficLimit === null ? ENDLESS : bytesText(Math.max(0, trafficLimit - used), language);
      case "traffic_limit":
        return trafficLimit === null ? ENDLESS : bytesText(trafficLimit, language);
    }
  });
}

/** The label that sets a host apart from others: its node, and its protocol where that is not the node's first inbound. */
function labelOf({ node, at }: Pick<LinkedHost, "node" | "at">): string {
  return at.name === node ? node : `${node} ${at.inbound.protocol}`;
}

function daysLeft(seconds: number | null): string {
  return seconds === null ? ENDLESS : String(Math.max(0, Math.ceil(seconds / DAY_SECONDS)));
}

/** As in ISO 8601, by the days of a time zone. @param at unix seconds */
function isoDay(at: number, timeZone: string): string {
  return new Date(at * 1_000).toLocaleDateString("sv-SE", { timeZone });
}
