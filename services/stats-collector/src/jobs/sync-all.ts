import { type Clock, type Logger, withinTime } from "@veil/runtime";
import { isNodeEntity } from "@veil/traffic";
import type { ActiveKeys } from "../active-keys.ts";
import { DuplicateNodeError } from "../sync/duplicate-nodes.ts";
import type { NodeSync, NodeSyncResult } from "../sync/node-sync.ts";

export interface SyncAllOptions {
  readonly syncs: readonly Pick<NodeSync, "node" | "run">[];
  readonly keys: Pick<ActiveKeys, "count">;
  readonly clock: Pick<Clock, "sleep">;
  readonly log: Pick<Logger, "warn">;
  /** How long a node may take. What it reads later is stored all the same. */
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
 * @throws {StoreUnavailableError} when the active keys can't be counted
 */
export async function syncAll({ syncs, keys, clock, log, limitMs }: SyncAllOptions): Promise<SyncAllResult> {
  const readings = syncs.map(async (sync) => {
    try {
      return await withinTime(sync.run(), limitMs, clock);
    } catch (err) {
      if (err instanceof DuplicateNodeError) return { refused: new Set<string>() };
      log.warn({ err, node: sync.node }, "the node could not be read");
      return null;
    }
  });
  const [active, results] = await Promise.all([keys.count(), Promise.all(readings)]);
  const errors = Math.min(active, errorsIn(results) ?? active);
  return { updated: active - errors, errors };
}

/** How many keys were refused, or `null` when a node could not be read. */
function errorsIn(results: readonly (Pick<NodeSyncResult, "refused"> | null)[]): number | null {
  const refused = new Set<string>();
  for (const result of results) {
    if (result === null) return null;
    for (const entity of result.refused) if (!isNodeEntity(entity)) refused.add(entity);
  }
  return refused.size;
}
