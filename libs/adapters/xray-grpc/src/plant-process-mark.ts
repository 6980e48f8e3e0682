import { XrayIndeterminateError } from "./errors.ts";
import type { XrayNode } from "./xray-node.ts";

/**
 * Gives a node's process a mark of its own unless it has one. Whether it has it now, a look says: an answer may be lost, and a
 * mark whose planting got no answer may turn up in a later life, so that each try needs a fresh one.
 *
 * @param newMark makes an id that was never used before
 * @throws {XrayError} when the node certainly did not take it
 */
export async function plantProcessMark(node: Pick<XrayNode, "plantProcessMark">, newMark: () => string): Promise<void> {
  try {
    await node.plantProcessMark(newMark());
  } catch (error) {
    if (!(error instanceof XrayIndeterminateError)) throw error;
  }
}
