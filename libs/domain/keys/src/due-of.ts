import type { Due } from "./ports.ts";
import { dueTraffic, isPast, nextDueAt } from "./terms/key-status.ts";
import type { KeyTerms } from "./terms/key-terms.ts";

/** What became of one key that was due. */
export type DueEnd = "applied" | "gone" | "later";

/**
 * When a key with these terms has to be looked at next. What one that has expired moves changes nothing about it: whoever
 * extends it looks at that.
 *
 * @param now milliseconds since the epoch
 */
export function dueOf(terms: KeyTerms, now: number): Due {
  const at = nextDueAt(terms, now);
  return { at: at === null ? null : at * 1_000, traffic: isPast(terms.expiresAt, now) ? null : dueTraffic(terms) };
}
