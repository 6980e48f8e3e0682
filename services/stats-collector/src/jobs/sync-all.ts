import type { Viewer } from "@veil/keys";
import { type Clock, type Logger, withinTime } from "@veil/runtime";
import { isNodeEntity } from "@veil/traffic";
import type { ActiveKeys } from "../active-keys.ts";
import { DuplicateNodeError } from "../sync/duplicate-nodes.ts";
import type { NodeSync, NodeSyncResult } from "../sync/node-sync.ts";

export interface SyncAllOptions {
  /** The nodes that there are at each moment. */
  readonly syncs: () => readonly Pick<NodeSync, "node" | "run">[];
  readonly keys: ActiveKeys;
  readonly clock: Pick<Clock, "sleep">;
  readonly log: Pick<Logger, "warn">;
  /** How long a node may take. Figures that it reads later are stored all the same. */
  readonly limitMs: number;
}

export interface SyncAllResult {
  /** Active keys whose bytes were read from every node. */
  readonly updated: number;
  /** The other active keys. */
  readonly errors: number;
}

/**
 * Reads all nodes at once. A node that can't be read may hold bytes of any key, so then every active key counts as an error,
 * although what the other nodes gave is stored. One that leads to the process of another one is read with that one.
 *
 * @param viewer what it sees is counted; nodes are read whole, whoever asks
 * @throws {StoreUnavailableError} when the active keys can't be counted
 */
export async function syncAll(
  { syncs, keys, clock, log, limitMs }: SyncAllOptions,
  viewer: Viewer,
): Promise<SyncAllResult> {
  const readings = syncs().map(async (sync) => {
    try {
      return await withinTime(sync.run(), limitMs, clock);
    } catch (err) {
      if (err instanceof DuplicateNodeError) return { refused: new Set<string>() };
      log.warn({ err, node: sync.node }, "the node could not be read");
      return null;
    }
  });
  const [active, results] = await Promise.all([keys.count(viewer), Promise.all(readings)]);
  const refused = refusedIn(results);
  const errors = refused === null ? active : Math.min(active, await countSeen(refused, keys, viewer));
  return { updated: active - errors, errors };
}

/** A viewer of all keys learns of each that was refused, even if it is no longer active. */
async function countSeen(refused: ReadonlySet<string>, keys: ActiveKeys, viewer: Viewer): Promise<number> {
  if (viewer.owner === null || refused.size === 0) return refused.size;
  return (await keys.among([...refused].map(Number), viewer)).size;
}

/** The entities of the keys that were refused, or `null` when a node could not be read. */
function refusedIn(results: readonly (Pick<NodeSyncResult, "refused"> | null)[]): ReadonlySet<string> | null {
  const refused = new Set<string>();
  for (const result of results) {
    if (result === null) return null;
    for (const entity of result.refused) if (!isNodeEntity(entity)) refused.add(entity);
  }
  return refused;
}
