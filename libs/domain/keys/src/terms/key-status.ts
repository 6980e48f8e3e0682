import { NO_NOTICES, nextNoticeAt, noticeTraffic, type Notices } from "./notices.ts";
import { endOfHold, type KeyTerms, type TrafficBytes } from "./key-terms.ts";

/** The statuses to which a key's terms come: the first that holds, in this order. */
export const keyStatuses = ["disabled", "expired", "limited", "on_hold", "active"] as const;
export type KeyStatus = (typeof keyStatuses)[number];

/**
 * A key's terms as they are at a moment: what became due before it has happened, whether or not anybody has stored it.
 *
 * @param now milliseconds since the epoch
 */
export function termsAt(terms: KeyTerms, now: number): KeyTerms {
  let { revision, expiresAt, holdFor, holdUntil, limitedAt, isExpiryCounted } = terms;
  if (holdFor !== null && holdUntil !== null && isPast(holdUntil, now)) {
    expiresAt = endOfHold(holdUntil, holdFor);
    holdFor = null;
    holdUntil = null;
    revision += 1;
  }
  if (isPast(terms.nextResetAt, now)) {
    limitedAt = null;
    revision += 1;
  }
  if (isPast(expiresAt, now) && !isExpiryCounted) {
    isExpiryCounted = true;
    revision += 1;
  }
  return { ...terms, revision, expiresAt, holdFor, holdUntil, limitedAt, isExpiryCounted };
}

/** The status of a key at a moment. @param now milliseconds since the epoch */
export function statusOf(terms: KeyTerms, now: number): KeyStatus {
  const { enabled, expiresAt, limitedAt, holdFor } = termsAt(terms, now);
  if (!enabled) return "disabled";
  if (isPast(expiresAt, now)) return "expired";
  if (limitedAt !== null) return "limited";
  return holdFor === null ? "active" : "on_hold";
}

/** Whether a key with these terms may be used at a moment. @param now milliseconds since the epoch */
export function isInService(terms: KeyTerms, now: number): boolean {
  const status = statusOf(terms, now);
  return status === "active" || status === "on_hold";
}

/**
 * Bytes since the last reset, be it of the terms or of the ledger.
 *
 * A reset that is due and not carried out yet counts as carried out, so that nothing is used.
 *
 * @param now milliseconds since the epoch
 */
export function usedTraffic(
  { usedFrom, nextResetAt }: Pick<KeyTerms, "usedFrom" | "nextResetAt">,
  { lifetime, reset }: { readonly lifetime: TrafficBytes; readonly reset: TrafficBytes },
  now: number,
): TrafficBytes {
  if (isPast(nextResetAt, now)) return { upload: 0, download: 0 };
  return {
    upload: Math.max(0, lifetime.upload - Math.max(usedFrom.upload, reset.upload)),
    download: Math.max(0, lifetime.download - Math.max(usedFrom.download, reset.download)),
  };
}

/**
 * When time alone changes something about a key next, in unix seconds; null when it never will. Past for what should have
 * been stored by now.
 *
 * @param now milliseconds since the epoch; an expiry that lies before it is over
 */
export function nextDueAt(terms: KeyTerms, now: number, notices: Notices = NO_NOTICES): number | null {
  const { expiresAt, nextResetAt, holdFor, holdUntil } = terms;
  const ending = isPast(expiresAt, now) ? [] : [expiresAt, nextNoticeAt(terms, notices)];
  const moments = [...ending, nextResetAt, holdFor === null ? null : holdUntil].filter((moment) => moment !== null);
  return moments.length === 0 ? null : Math.min(...moments);
}

/** At how many bytes ever moved, both directions together, the key has to be looked at; null when traffic changes nothing. */
export function dueTraffic(terms: KeyTerms, notices: Notices = NO_NOTICES): number | null {
  const { trafficLimit, limitedAt, usedFrom, holdFor, holdFrom } = terms;
  const noticed = noticeTraffic(terms, notices);
  const amounts = noticed === null ? [] : [noticed];
  if (trafficLimit !== null && limitedAt === null) amounts.push(usedFrom.upload + usedFrom.download + trafficLimit);
  if (holdFor !== null) amounts.push(holdFrom + 1);
  return amounts.length === 0 ? null : Math.min(...amounts);
}

/** @param moment unix seconds; null for one that never comes @param now milliseconds since the epoch */
export function isPast(moment: number | null, now: number): boolean {
  return moment !== null && now >= moment * 1_000;
}
