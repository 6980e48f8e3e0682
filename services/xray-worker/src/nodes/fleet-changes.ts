import type { EventHints } from "@veil/events";
import { changeFleet, type Fleet, type FleetStore, type FleetUpdate, type ListedNode, seedFleet } from "@veil/nodes";
import { announce, type Redis } from "@veil/redis";
import type { Clock, Logger } from "@veil/runtime";

/** What changes of nodes need. */
export interface FleetChanges {
  readonly store: FleetStore;
  readonly hints: EventHints;
  readonly redis: Redis;
  readonly prefix: string;
  readonly clock: Pick<Clock, "now">;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
}

/**
 * Changes nodes or hosts, and tells all processes.
 *
 * @returns whether anything was changed
 * @throws {StoreUnavailableError}
 */
export async function changeNodes(
  change: (fleet: Fleet) => FleetUpdate | null,
  { store, hints, ...changes }: FleetChanges,
): Promise<boolean> {
  const isChanged = await changeFleet(store, change, hints);
  if (isChanged) await tell(changes);
  return isChanged;
}

/** Follows the environment at the start, and logs what it is not followed in. @throws {StoreUnavailableError} */
export async function seedNodes(
  listed: readonly ListedNode[],
  { store, ...changes }: Omit<FleetChanges, "hints">,
): Promise<void> {
  const { notes, isChanged } = await seedFleet(store, listed, changes.clock.now());
  for (const note of notes) {
    const { log } = changes;
    if (note.kept === "address-taken") log.error(note, "a node of the environment has the address of another node");
    else log.info(note, "the environment is not followed here: an API call decided otherwise");
  }
  if (isChanged) await tell(changes);
}

/** Whoever does not hear it looks for itself within a second. */
async function tell({ redis, prefix }: Pick<FleetChanges, "redis" | "prefix">): Promise<void> {
  await announce(redis, prefix, "nodes", "").catch(() => undefined);
}
