import { UnreadableRecordError } from "../errors.ts";
import { endOfHold, type KeyTerms, LATEST_MOMENT, type SettableTerms, type TrafficBytes } from "./key-terms.ts";
import { NO_NOTICES, noticedAnew, noticedAt, type Notices } from "./notices.ts";
import { nextResetAfter } from "./reset-calendar.ts";

/** One change of a key's terms; it happens as a whole or not at all. */
export interface TermsChange {
  readonly set?: Partial<SettableTerms>;
  /** Seconds added to the term that is left; negative ones shorten it. */
  readonly extendSeconds?: number;
  /** Starts the count of the traffic anew. */
  readonly resetTraffic?: boolean;
  /** Forgets the devices that are registered. */
  readonly resetDevices?: boolean;
}

/** The facts beside the terms that decide about a change. */
export interface ChangeContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /**
   * All traffic of the key ever, as far as it is stored. Null when its record makes no sense: whatever follows from it stays as
   * it is, and waits for the record to be mended.
   */
  readonly lifetime: TrafficBytes | null;
  /** The part of it that the ledger itself has reset; 1.0 knew no other reset. */
  readonly reset: TrafficBytes;
  readonly timeZone: string;
  readonly notices?: Notices;
}

/** Thrown when a change makes no sense for the key as it is. The message is one sentence that says what would be right. */
export class ChangeRefusedError extends Error {
  override readonly name = "ChangeRefusedError";
}

/**
 * A key's terms after a change. The same object when nothing is different afterwards.
 *
 * @param changesMore whether the change does something beside, so that the revision rises in any case
 * @throws {ChangeRefusedError}
 * @throws {UnreadableRecordError} when it begins a count of the traffic, of which the record makes no sense
 */
export function changeTerms(
  stored: KeyTerms,
  change: TermsChange,
  context: ChangeContext,
  changesMore = false,
): KeyTerms {
  const before = applyDue(stored, context);
  let after = withSettings(before, change.set ?? {}, context);
  if (change.extendSeconds !== undefined) after = extended(after, change.extendSeconds, context.now);
  if (change.resetTraffic === true) after = reset(after, context);
  if (change.resetDevices === true) after = { ...after, deviceEpoch: before.revision + 1 };
  after = limited({ ...after, isExpiryCounted: isOver(after, context.now) }, context);
  after = withNotices(before, after, context);
  if (!changesMore && isEqual(before, after)) return before;
  return { ...after, revision: before.revision + 1 };
}

/**
 * Whether what a key has moved has a say in a change of it, or in what is due about it. Where it has none, the context may
 * say that nothing was moved.
 *
 * @param now milliseconds since the epoch
 */
export function dependsOnTraffic(
  { trafficLimit, holdFor, limitedAt, nextResetAt, noticed }: KeyTerms,
  { set = {}, resetTraffic = false }: TermsChange,
  now: number,
  { firstConnections }: Notices = NO_NOTICES,
): boolean {
  const isFirst = firstConnections && !noticed.isConnected;
  const isCounted = trafficLimit !== null || limitedAt !== null || holdFor !== null || isFirst;
  const willBeCounted = (set.trafficLimit ?? null) !== null || (set.holdFor ?? null) !== null;
  return isCounted || willBeCounted || resetTraffic || (nextResetAt !== null && nextResetAt * 1_000 <= now);
}

/**
 * A key's terms with everything carried out that has become due by time or by traffic. The same object when nothing has.
 *
 * Several resets that were missed are one.
 */
export function applyDue(stored: KeyTerms, context: ChangeContext): KeyTerms {
  const { now, lifetime, timeZone } = context;
  let terms = countedFrom(stored, context.reset);
  if (terms.holdFor !== null) {
    const isUsed = lifetime !== null && total(lifetime) > terms.holdFrom;
    const until = terms.holdUntil !== null && terms.holdUntil * 1_000 <= now ? terms.holdUntil : null;
    const begins = until ?? (isUsed ? seconds(now) : null);
    if (begins !== null) {
      const expiresAt = endOfHold(begins, terms.holdFor);
      terms = { ...terms, expiresAt, holdFor: null, holdUntil: null, revision: terms.revision + 1 };
    }
  }
  if (lifetime !== null && terms.nextResetAt !== null && terms.nextResetAt * 1_000 <= now) {
    const calendar = { reset: terms.trafficReset, anchor: terms.resetAnchor, timeZone };
    const nextResetAt = nextResetAfter(seconds(now), calendar);
    terms = { ...terms, usedFrom: lifetime, limitedAt: null, nextResetAt, revision: terms.revision + 1 };
  }
  if (isOver(terms, now) && !terms.isExpiryCounted) {
    terms = { ...terms, isExpiryCounted: true, revision: terms.revision + 1 };
  }
  return withNotices(stored, limited(terms, context), context);
}

/** The same object when nothing more is to be noticed. */
function withNotices(
  before: KeyTerms,
  after: KeyTerms,
  { now, lifetime, notices = NO_NOTICES }: ContextOfNotices,
): KeyTerms {
  const anew = { ...after, noticed: noticedAnew(before, after, seconds(now), notices) };
  const noticed = noticedAt(anew, seconds(now), lifetime === null ? 0 : total(lifetime), notices);
  return JSON.stringify(noticed) === JSON.stringify(after.noticed) ? after : { ...after, noticed };
}

type ContextOfNotices = Pick<ChangeContext, "now" | "lifetime" | "notices">;

/** A reset of the ledger that is later than that of the terms is theirs as well. */
function countedFrom(terms: KeyTerms, { upload, download }: TrafficBytes): KeyTerms {
  const { usedFrom } = terms;
  if (upload <= usedFrom.upload && download <= usedFrom.download) return terms;
  const later = { upload: Math.max(upload, usedFrom.upload), download: Math.max(download, usedFrom.download) };
  return { ...terms, usedFrom: later };
}

function isOver({ expiresAt }: KeyTerms, now: number): boolean {
  return expiresAt !== null && expiresAt * 1_000 <= now;
}

function withSettings(
  terms: KeyTerms,
  set: Partial<SettableTerms>,
  { now, lifetime, timeZone }: ChangeContext,
): KeyTerms {
  // Without a term to begin, the moment at which it begins at the latest means nothing.
  const isHoldEnded = set.holdFor === null && set.holdUntil === undefined;
  const after: KeyTerms = { ...terms, ...set, ...(isHoldEnded && { holdUntil: null }) };
  if (after.holdFor !== null && after.expiresAt !== null) {
    throw new ChangeRefusedError("hold_for and expires_at exclude each other: set one of them to null");
  }
  if (after.holdUntil !== null && after.holdFor === null) {
    throw new ChangeRefusedError("hold_until needs hold_for");
  }
  const beginsHold = after.holdFor !== null && terms.holdFor === null;
  if (after.trafficLimit !== null && after.trafficLimit !== terms.trafficLimit) known(lifetime);
  const calendar = { reset: after.trafficReset, anchor: after.resetAnchor, timeZone };
  return {
    ...after,
    holdFrom: beginsHold ? total(known(lifetime)) : after.holdFrom,
    nextResetAt: after.trafficReset === terms.trafficReset ? terms.nextResetAt : nextResetAfter(seconds(now), calendar),
  };
}

/** A key without an end keeps having none; one on hold has a longer or shorter term once it begins. */
function extended(terms: KeyTerms, by: number, now: number): KeyTerms {
  if (terms.holdFor !== null) {
    if (terms.holdFor + by < 1) throw new ChangeRefusedError("nothing of hold_for would be left: extend it by less");
    return { ...terms, holdFor: withinCalendar(terms.holdFor + by) };
  }
  if (terms.expiresAt === null) return terms;
  return { ...terms, expiresAt: withinCalendar(Math.max(seconds(now), terms.expiresAt) + by) };
}

function withinCalendar(moment: number): number {
  if (moment > LATEST_MOMENT) throw new ChangeRefusedError("the term would end after the year 9999: extend it by less");
  return Math.max(1, moment);
}

function reset(terms: KeyTerms, { now, lifetime, timeZone }: ChangeContext): KeyTerms {
  const resetAnchor = seconds(now);
  const calendar = { reset: terms.trafficReset, anchor: resetAnchor, timeZone };
  const nextResetAt = nextResetAfter(resetAnchor, calendar);
  return { ...terms, usedFrom: known(lifetime), limitedAt: null, resetAnchor, nextResetAt };
}

/** @throws {UnreadableRecordError} */
function known(lifetime: TrafficBytes | null): TrafficBytes {
  if (lifetime === null) throw new UnreadableRecordError("what the key has moved can't be read");
  return lifetime;
}

/** The fact that the limit is reached follows the bytes and the limit as they are now, in both directions. */
function limited(terms: KeyTerms, { now, lifetime }: ChangeContext): KeyTerms {
  const { trafficLimit, usedFrom, limitedAt } = terms;
  const isBeyond = (limit: number) =>
    lifetime === null ? limitedAt !== null : total(lifetime) - total(usedFrom) >= limit;
  const isReached = trafficLimit !== null && isBeyond(trafficLimit);
  if (isReached === (limitedAt !== null)) return terms;
  return { ...terms, limitedAt: isReached ? seconds(now) : null };
}

function isEqual(one: KeyTerms, other: KeyTerms): boolean {
  return JSON.stringify({ ...one, revision: 0 }) === JSON.stringify({ ...other, revision: 0 });
}

function total({ upload, download }: TrafficBytes): number {
  return upload + download;
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000);
}
