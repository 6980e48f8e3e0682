import { XrayOutcomeUnknownError } from "@veil/xray-grpc";

const UNAVAILABLE = 14;

/** What a call throws that may have happened and brought no reply. */
export function lostReply(node: string, method: string): XrayOutcomeUnknownError {
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum is grpc-js's, which the gateway keeps to itself
  return new XrayOutcomeUnknownError(node, method, UNAVAILABLE, "Connection dropped");
}
