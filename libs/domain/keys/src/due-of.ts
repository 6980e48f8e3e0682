import type { KeyRecord } from "./access-key.ts";
import { dueStep } from "./events/steps-of-change.ts";
import type { Due } from "./ports.ts";
import { type ReportedVersion, reportedVersion } from "./reported-version.ts";
import { applyDue, type ChangeContext } from "./terms/change-terms.ts";
import { dueTraffic, isPast, nextDueAt } from "./terms/key-status.ts";
import type { KeyTerms } from "./terms/key-terms.ts";
import { NO_NOTICES, type Notices, noticeTraffic } from "./terms/notices.ts";

/** The outcome of the look at one key that was due. */
export type DueEnd = "applied" | "gone" | "later";

/** How long after it was found that the key's record, or that of its traffic, makes no sense or takes no change it is looked at again. */
export const LOOK_AT_UNREADABLE_MS = 60 * 60_000;

/** Of a key that need not be looked at. */
export const NOTHING_DUE: Due = { at: null, traffic: null };

/**
 * When a key with these terms has to be looked at next. Of what one that has expired moves only its very first byte is to be
 * noticed: whoever extends it looks at the rest.
 *
 * @param now milliseconds since the epoch
 */
export function dueOf(terms: KeyTerms, now: number, notices: Notices = NO_NOTICES): Due {
  const at = nextDueAt(terms, now, notices);
  const traffic = isPast(terms.expiresAt, now)
    ? noticeTraffic(terms, { ...notices, thresholds: [] })
    : dueTraffic(terms, notices);
  return { at: at === null ? null : at * 1_000, traffic };
}

/**
 * The version of a key with everything carried out that has become due, and with what is reported of it; null when nothing
 * has.
 *
 * @param fence that of the lease under which it is stored
 */
export function dueVersion(key: KeyRecord, context: ChangeContext, fence: number): ReportedVersion | null {
  const terms = applyDue(key.terms, context);
  if (terms === key.terms) return null;
  const step = dueStep(key, { name: key.name, terms }, Math.floor(context.now / 1_000));
  return reportedVersion(key, terms, step, fence);
}
