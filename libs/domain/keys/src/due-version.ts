import type { KeyRecord } from "./access-key.ts";
import { dueStep } from "./events/steps-of-change.ts";
import { type ReportedVersion, reportedVersion } from "./reported-version.ts";
import { applyDue, type ChangeContext } from "./terms/change-terms.ts";

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
