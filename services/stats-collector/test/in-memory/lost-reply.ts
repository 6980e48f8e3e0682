import { XrayIndeterminateError } from "@veil/xray-grpc";

const UNAVAILABLE = 14;

/** The error of a call that may have happened and brought no reply. */
export function lostReply(node: string, method: string): XrayIndeterminateError {
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum is grpc-js's, which the gateway keeps to itself
  return new XrayIndeterminateError(node, method, UNAVAILABLE, "Connection dropped");
}
