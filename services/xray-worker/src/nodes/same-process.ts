import { tryRead } from "@veil/keys";
import type { NodeLivesStore } from "@veil/traffic";
import { plantProcessMark, XrayError, type XrayNode } from "@veil/xray-grpc";

/** The calls that tell one Xray process from another. */
export type MarkedProcess = Pick<XrayNode, "name" | "readProcessMark" | "plantProcessMark">;

/** The mark that a node showed last, as far as anybody noted it. @throws {StoreUnavailableError} */
export type LastMark = (node: string) => Promise<string | null>;

/**
 * The name of another node that leads to the same Xray process; null when none of those in reach does. A process without a
 * mark gets one, as collectors give it one.
 *
 * @param newMark makes an id that was never used before
 * @param lastMark asked of a node that does not answer: its process may answer here all the same. Default: nobody knows
 * @throws {XrayError} when the node itself can't be asked
 * @throws {StoreUnavailableError} where `lastMark` does
 */
export async function findSameProcess(
  node: MarkedProcess,
  others: readonly MarkedProcess[],
  newMark: () => string,
  lastMark: LastMark = async () => null,
): Promise<string | null> {
  const mark = (await node.readProcessMark()) ?? (await planted(node, newMark));
  if (mark === null) return null;
  const shown = await Promise.all(
    others
      .filter(({ name }) => name !== node.name)
      .map(async (other) => ({ other, mark: await markOf(other, lastMark) })),
  );
  return shown.find((one) => one.mark === mark)?.other.name ?? null;
}

async function planted(node: MarkedProcess, newMark: () => string): Promise<string | null> {
  await plantProcessMark(node, newMark);
  return node.readProcessMark();
}

async function markOf(node: MarkedProcess, lastMark: LastMark): Promise<string | null> {
  try {
    return await node.readProcessMark();
  } catch (error) {
    if (error instanceof XrayError) return lastMark(node.name);
    throw error;
  }
}

/** Reads the mark that collectors noted last of each node's process. Of a node whose lives make no sense none is known. */
export function lastMarkOf(lives: Pick<NodeLivesStore, "find">): LastMark {
  return async (node) => {
    const found = await tryRead(() => lives.find(node));
    return found === "unreadable" ? null : (found?.marks.at(-1)?.mark ?? null);
  };
}
