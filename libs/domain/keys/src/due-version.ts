import type { KeyRecord } from "./access-key.ts";
import { type KeyStep, namedSteps } from "./events/key-steps.ts";
import { dueStep } from "./events/steps-of-change.ts";
import type { KeyVersion } from "./ports.ts";
import { applyDue, type ChangeContext } from "./terms/change-terms.ts";

export interface DueVersion {
  readonly version: KeyVersion;
  /** What of the version's history is new. */
  readonly steps: readonly KeyStep[];
}

/**
 * The version of a key with everything carried out that has become due, and with what is reported of it; null when nothing
 * has.
 *
 * @param fence that of the lease under which it is stored
 */
export function dueVersion(key: KeyRecord, context: ChangeContext, fence: number): DueVersion | null {
  const terms = applyDue(key.terms, context);
  if (terms === key.terms) return null;
  const { keyId, uuid, name, token, changedBy } = key;
  const step = dueStep(key, { name, terms }, Math.floor(context.now / 1_000));
  const steps = namedSteps([step], { keyId, revision: terms.revision, fence });
  return { version: { fence, uuid, name, token, changedBy, terms, outbox: [...key.outbox, ...steps] }, steps };
}
