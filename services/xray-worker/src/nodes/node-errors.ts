import { NodeRejectedError, NodeUnreachableError, NodeIndeterminateError } from "@veil/keys";
import {
  InboundMissingError,
  XrayAnswerInvalidError,
  XrayError,
  XrayIndeterminateError,
  XrayUnreachableError,
} from "@veil/xray-grpc";

/**
 * Runs a call to a node and says its failure in the lifecycle's words.
 *
 * A missing inbound counts as unreachable: it is being replaced or about to be put back, and nothing happened.
 *
 * @throws {NodeUnreachableError | NodeIndeterminateError | NodeRejectedError}
 */
export async function nodeErrors<T>(node: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof XrayUnreachableError || error instanceof InboundMissingError) {
      throw new NodeUnreachableError(node, error);
    }
    if (error instanceof XrayIndeterminateError || error instanceof XrayAnswerInvalidError) {
      throw new NodeIndeterminateError(node, error);
    }
    if (error instanceof XrayError) throw new NodeRejectedError(node, error);
    throw error;
  }
}
