import type { KeyRecord } from "./access-key.ts";
import { type KeyStep, namedSteps, type UnnamedStep } from "./events/key-steps.ts";
import type { KeyVersion } from "./ports.ts";
import type { KeyTerms } from "./terms/key-terms.ts";

export interface ReportedVersion {
  readonly version: KeyVersion;
  /** The steps of the version's history that are new. */
  readonly steps: readonly KeyStep[];
}

/**
 * The version of a key that has other terms and is the same otherwise, with the step that led to it.
 *
 * @param terms of a higher revision than the key's
 * @param fence that of the lease under which it is stored
 */
export function reportedVersion(
  { keyId, uuid, name, token, changedBy, changedAt, outbox }: KeyRecord,
  terms: KeyTerms,
  step: UnnamedStep,
  fence: number,
): ReportedVersion {
  const steps = namedSteps([step], { keyId, revision: terms.revision, fence });
  return { version: { fence, uuid, name, token, changedBy, changedAt, terms, outbox: [...outbox, ...steps] }, steps };
}
