import type { Bytes, Direction } from "@veil/traffic-ledger";
import { DIRECTIONS } from "@veil/traffic-ledger";
import type { MeteredNode } from "./metered-node.ts";

/** Reads the counters of both directions. One that does not exist (yet) is left out. */
export async function readBoth(
  node: Pick<MeteredNode, "readCounter">,
  nameOf: (direction: Direction) => string,
): Promise<Partial<Bytes>> {
  const bytes: { up?: number; down?: number } = {};
  await Promise.all(
    DIRECTIONS.map(async (direction) => {
      const value = await node.readCounter(nameOf(direction));
      if (value !== null) bytes[direction] = value;
    }),
  );
  return bytes;
}
