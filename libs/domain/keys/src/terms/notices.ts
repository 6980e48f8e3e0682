import type { KeyTerms } from "./key-terms.ts";

/** Of what callers want to know before it comes, and once. */
export interface Notices {
  /** Percent of the traffic limit, ascending. */
  readonly thresholds: readonly number[];
  /** Before the end, in hours. */
  readonly hours: readonly number[];
  /** Whether the first byte of a key is reported. */
  readonly firstConnections: boolean;
}

export const NO_NOTICES: Notices = { thresholds: [], hours: [], firstConnections: false };

/** The notices about a key that have been given, so that each is given once: per limit and reset, per end, and ever. */
export interface Noticed {
  readonly isConnected: boolean;
  readonly thresholds: readonly number[];
  readonly hours: readonly number[];
}

export const NOTHING_NOTICED: Noticed = { isConnected: false, thresholds: [], hours: [] };
/** Of a key of which an older version kept no account: when it first connected is long past. */
export const UNKNOWN_NOTICED: Noticed = { ...NOTHING_NOTICED, isConnected: true };

const HOUR_S = 60 * 60;

type Noticing = Pick<KeyTerms, "noticed" | "expiresAt" | "trafficLimit" | "usedFrom">;

/** When the next notice before the end is due, in unix seconds; null when none is. Past for one that is overdue. */
export function nextNoticeAt({ noticed, expiresAt }: Noticing, { hours }: Notices): number | null {
  if (expiresAt === null) return null;
  const open = hours.filter((each) => !noticed.hours.includes(each));
  return open.length === 0 ? null : expiresAt - Math.max(...open) * HOUR_S;
}

/** At how many bytes ever moved the next notice is due; null when none is. */
export function noticeTraffic(terms: Noticing, { thresholds, firstConnections }: Notices): number | null {
  const { noticed, trafficLimit, usedFrom } = terms;
  const amounts = firstConnections && !noticed.isConnected ? [1] : [];
  const open = thresholds.filter((each) => !noticed.thresholds.includes(each));
  if (trafficLimit !== null && open.length > 0) {
    amounts.push(usedFrom.upload + usedFrom.download + Math.ceil((trafficLimit * Math.min(...open)) / 100));
  }
  return amounts.length === 0 ? null : Math.min(...amounts);
}

/**
 * The notices given of a key whose end, limit or count may be another one than before. A notice whose moment was past
 * already when the end was set is none.
 *
 * @param now unix seconds
 */
export function noticedAnew(before: Noticing, after: Noticing, now: number, { hours }: Notices): Noticed {
  const { expiresAt, trafficLimit, usedFrom, noticed } = after;
  const isOtherEnd = expiresAt !== before.expiresAt;
  const isOtherCount =
    trafficLimit !== before.trafficLimit ||
    usedFrom.upload !== before.usedFrom.upload ||
    usedFrom.download !== before.usedFrom.download;
  const past = hours.filter((each) => expiresAt !== null && expiresAt - each * HOUR_S <= now);
  return {
    ...noticed,
    ...(isOtherEnd && { hours: past }),
    ...(isOtherCount && { thresholds: [] }),
  };
}

/**
 * The notices about a key that are due at a moment, with those that were given before.
 *
 * @param now unix seconds
 * @param moved bytes ever, both directions together
 */
export function noticedAt(terms: Noticing, now: number, moved: number, notices: Notices): Noticed {
  const { noticed, expiresAt, trafficLimit, usedFrom } = terms;
  const used = moved - usedFrom.upload - usedFrom.download;
  const isReached = (each: number) => trafficLimit !== null && used * 100 >= trafficLimit * each;
  const isSoon = (each: number) => expiresAt !== null && expiresAt > now && expiresAt - each * HOUR_S <= now;
  return {
    isConnected: noticed.isConnected || (notices.firstConnections && moved > 0),
    thresholds: notices.thresholds.filter((each) => noticed.thresholds.includes(each) || isReached(each)),
    hours: notices.hours.filter((each) => noticed.hours.includes(each) || isSoon(each)),
  };
}
