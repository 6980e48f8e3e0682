import { plantProcessMark, XrayError, type XrayNode } from "@veil/xray-grpc";

/** What tells one Xray process from another. */
export type MarkedProcess = Pick<XrayNode, "name" | "readProcessMark" | "plantProcessMark">;

/**
 * The name of another node that leads to the same Xray process; null when none of those in reach does. A process without a
 * mark gets one, as collectors give it one.
 *
 * @param newMark makes an id that was never used before
 * @throws {XrayError} when the node itself can't be asked
 */
export async function findSameProcess(
  node: MarkedProcess,
  others: readonly MarkedProcess[],
  newMark: () => string,
): Promise<string | null> {
  const mark = (await node.readProcessMark()) ?? (await planted(node, newMark));
  if (mark === null) return null;
  const shown = await Promise.all(
    others.filter(({ name }) => name !== node.name).map(async (other) => ({ other, mark: await markOf(other) })),
  );
  return shown.find((one) => one.mark === mark)?.other.name ?? null;
}

async function planted(node: MarkedProcess, newMark: () => string): Promise<string | null> {
  await plantProcessMark(node, newMark);
  return node.readProcessMark();
}

async function markOf(node: MarkedProcess): Promise<string | null> {
  try {
    return await node.readProcessMark();
  } catch (error) {
    if (error instanceof XrayError) return null;
    throw error;
  }
}
