import {
  FLEET_LOOK_EVERY_MS,
  FLEET_LOOK_JITTER,
  type Fleet,
  type FleetReader,
  type ListedNode,
  seeded,
} from "@veil/nodes";
import { listenFor } from "@veil/redis";
import { lastingFailure, type Logger, runLoop, type Stoppable } from "@veil/runtime";

export interface FollowedFleetOptions {
  readonly store: FleetReader;
  readonly redisUrl: string;
  readonly prefix: string;
  /** The nodes of the environment: they are what there is until the store says something else. */
  readonly listed: readonly ListedNode[];
  /** Done before the store is read for the first time, and again until it succeeds. */
  readonly prepare?: () => Promise<void>;
  /** Called with the nodes whenever they have changed, from the start on. */
  readonly onFleet: (fleet: Fleet) => void;
  readonly log: Logger;
}

/** The nodes as this process knows them. */
export interface FollowedFleet {
  readonly current: () => Fleet;
  /** Looks whether they have changed. Never rejects: what can't be read stays as it is known. */
  readonly refresh: () => Promise<void>;
}

/**
 * Follows the stored nodes until the service stops: a change is announced over Redis, and looked for every second besides.
 *
 * Returns once the store has been asked for the first time, whether it answered or not. A store that is emptied says nothing
 * of nodes: they stay as they are known.
 */
export async function followFleet(
  running: Stoppable,
  { store, redisUrl, prefix, listed, prepare, onFleet, log }: FollowedFleetOptions,
): Promise<FollowedFleet> {
  let fleet: Fleet = { revision: 0, nodes: seeded(null, listed, 0).nodes, hosts: [] };
  let isPrepared = prepare === undefined;
  let isStarted = false;
  const look = async () => {
    if (!isPrepared) await prepare?.();
    isPrepared = true;
    const revision = await store.revision();
    if (revision === fleet.revision || revision === 0) return;
    const found = await store.read();
    if (found === null) return;
    fleet = found;
    if (isStarted) onFleet(fleet);
  };
  const looking = runLoop(running, "nodes of the store", {
    everyMs: FLEET_LOOK_EVERY_MS,
    jitter: FLEET_LOOK_JITTER,
    firstRun: "later",
    task: look,
    ...lastingFailure(log, "could not look which nodes there are"),
  });
  const listening = listenFor(redisUrl, prefix, "nodes", () => void looking.trigger());
  running.onStop("connections", "announced nodes", () => listening.close());
  await looking.trigger();
  isStarted = true;
  onFleet(fleet);
  return { current: () => fleet, refresh: () => looking.trigger() };
}
