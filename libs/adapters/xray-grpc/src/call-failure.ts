import { status } from "@grpc/grpc-js";
import { XrayRejectedError } from "./errors.ts";

/** How a call ended that brought no answer message. */
export interface CallFailure {
  /** The gRPC status code. */
  readonly code: status;
  readonly details: string;
  /** False only when the request was surely never handed to a connection. */
  readonly sent: boolean;
}

/** Codes by which a server says that it didn't do what it was asked. */
const REJECTING_CODES: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.PERMISSION_DENIED,
  status.FAILED_PRECONDITION,
  status.UNIMPLEMENTED,
  status.UNAUTHENTICATED,
]);

/**
 * The meaning of a failure: the call surely didn't happen, it may have happened, or Xray answered and said no.
 *
 * Xray itself answers with code 2 and a text, or with 5 (a missing counter) and 12 (a service that its config doesn't
 * name). The other codes come from the transport, and so do texts about HTTP and an empty text, under any code. A failure that
 * is not surely an answer of Xray's counts as indeterminate.
 */
export function meaningOf(failure: CallFailure): "unreachable" | "indeterminate" | "rejected" {
  if (!failure.sent) return "unreachable";
  if (failure.code === status.RESOURCE_EXHAUSTED) return isTooLarge(failure.details) ? "rejected" : "indeterminate";
  const isAnswer = failure.code === status.UNKNOWN || REJECTING_CODES.has(failure.code);
  return isAnswer && failure.details !== "" && !isOfAnother(failure) ? "rejected" : "indeterminate";
}

/**
 * Whether somebody else answered: a server that speaks HTTP and no gRPC, or a proxy that did not get through to Xray, which gives
 * a reason with every refusal.
 */
export function isOfAnother({ code, details, sent }: CallFailure): boolean {
  if (details === "") return sent && REJECTING_CODES.has(code);
  return sent && /^(Received HTTP status code|No status information received)/.test(details);
}

/** A request that Xray's server doesn't take, or a reply that this client doesn't. */
function isTooLarge(details: string): boolean {
  return /message larger than max/.test(details);
}

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

/**
 * The protocol whose code refused to remove a user who is not there, by the name of its package in Xray's source: `vless`.
 * Null when the text is another one.
 */
export function refusingProxy({ details }: XrayRejectedError): string | null {
  return /^proxy\/(\w+): User \S+ not found\.$/.exec(details)?.[1] ?? null;
}
