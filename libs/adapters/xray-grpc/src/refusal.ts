import { XrayRejectedError } from "./errors.ts";

/**
 * The refusals that have a meaning of their own, each by the text that Xray 26.3.27 gives. It has a code of its own for
 * none of them.
 */
const REFUSALS = {
  "inbound-missing": /handler not found: /,
  "inbound-exists": /proxyman\/inbound: existing tag found: /,
  "inbound-not-listening": /proxyman\/inbound: failed to listen /,
  "outbound-exists": /proxyman\/outbound: existing tag found: /,
  "rule-exists": /duplicate ruleTag /,
  "user-exists": /User \S+ already exists\.$/,
  "user-missing": /User \S+ not found\.$/,
  /** All that RemoveInbound says of a tag that is not there. */
  "no-clue": /not enough information for making a decision/,
} as const satisfies Record<string, RegExp>;

/** Whether Xray refused a call for this reason. */
export function isRefusal(error: unknown, reason: keyof typeof REFUSALS): error is XrayRejectedError {
  return error instanceof XrayRejectedError && REFUSALS[reason].test(error.details);
}
