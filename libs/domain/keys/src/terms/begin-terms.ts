import { firstTerms, type KeyTerms, type SettableTerms, UNLIMITED } from "./key-terms.ts";
import { NO_NOTICES, noticedAnew, type Notices } from "./notices.ts";
import { nextResetAfter } from "./reset-calendar.ts";

interface BeginOptions {
  /** The IANA time zone in whose midnight traffic is reset. */
  readonly timeZone: string;
  readonly notices?: Notices;
}

/** The terms with which a key begins: those that were asked for, and what follows from them. @param createdAt unix seconds */
export function beginTerms(
  asked: Partial<SettableTerms>,
  createdAt: number,
  { timeZone, notices = NO_NOTICES }: BeginOptions,
): KeyTerms {
  const calendar = { reset: asked.trafficReset ?? UNLIMITED.trafficReset, anchor: createdAt, timeZone };
  const first = firstTerms(asked, { createdAt, nextResetAt: nextResetAfter(createdAt, calendar) });
  // Of a term that is shorter than a notice nothing is to be noticed.
  return { ...first, noticed: noticedAnew({ ...first, expiresAt: null }, first, createdAt, notices) };
}
