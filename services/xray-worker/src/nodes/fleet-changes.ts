import type { EventHints } from "@veil/events";
import { type JobResult, TOO_LATE } from "@veil/job-contract";
import {
  type ChangeStamp,
  changeTogether,
  type Fleet,
  type FleetChange,
  type FleetDecision,
  type FleetNode,
  type FleetStore,
  type ListedNode,
  seedFleet,
  type SeedOptions,
} from "@veil/nodes";
import { announce, type Redis } from "@veil/redis";
import { type Clock, CoalescedCalls, type Logger } from "@veil/runtime";

/** Carries out one change. @returns whether anything was changed @throws {StoreUnavailableError} */
export type FleetChanger = (decide: FleetDecision) => Promise<boolean>;

const MOST_TOGETHER = 100;
const LONGEST_WAIT_MS = 2_000;

/**
 * Changes of the fleet by one process: those that come while one is being stored are stored together. Each on its own would only
 * find out that another one was first, and read all nodes and hosts anew.
 */
export function fleetChanger(store: FleetStore, hints: EventHints): FleetChanger {
  const calls = new CoalescedCalls<FleetDecision, boolean>((decisions) => changeTogether(store, decisions, hints), {
    largest: MOST_TOGETHER,
    longestWaitMs: LONGEST_WAIT_MS,
  });
  return (decide) => calls.ask(decide);
}

/** The ports that changes of nodes need. */
export interface FleetChanges {
  readonly store: Pick<FleetStore, "read">;
  readonly change: FleetChanger;
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
export async function changeNodes(decide: FleetDecision, { change, ...changes }: FleetChanges): Promise<boolean> {
  const isChanged = await change(decide);
  if (isChanged) await tell(changes);
  return isChanged;
}

/**
 * Carries out a job that changes nodes or hosts, unless its deadline has passed when the change is stored.
 *
 * @param deadline milliseconds since the epoch
 * @throws {StoreUnavailableError}
 */
export async function changeInTime(
  { job, deadline }: { readonly job: string; readonly deadline: number },
  decide: (fleet: Fleet, stamp: ChangeStamp) => FleetChange,
  ports: FleetChanges,
): Promise<JobResult<"change-node">> {
  let end: FleetChange = { outcome: "not-found" };
  let isLate = false;
  await changeNodes((fleet) => {
    const now = ports.clock.now();
    end = decide(fleet, { job, now });
    isLate = end.outcome === "changed" && now > deadline;
    return end.outcome === "changed" && !isLate ? end : null;
  }, ports);
  return isLate ? TOO_LATE : resultOf(end);
}

/** What became of a change, as its job answers it: one that another attempt of the write has made is made. */
export function resultOf(end: FleetChange): JobResult<"change-node"> {
  return end.outcome === "changed" || end.outcome === "done" ? { outcome: "changed" } : end;
}

/**
 * Follows the environment at the start, and logs what it is not followed in.
 *
 * @returns nodes that are no more where they were, as they were
 * @throws {StoreUnavailableError}
 */
export async function seedNodes(
  listed: readonly ListedNode[],
  options: SeedOptions,
  { store, ...changes }: Omit<FleetChanges, "change" | "store"> & { readonly store: FleetStore },
): Promise<readonly FleetNode[]> {
  const { notes, isChanged, departed } = await seedFleet(store, listed, changes.clock.now(), options);
  for (const note of notes) {
    const { log } = changes;
    if (note.kept === "address-taken") log.error(note, "a node of the environment has the address of another node");
    else if (note.kept === "unlisted")
      log.error(note, "XRAY_NODES is not set, and a node that it had stays until it is deleted by an API call");
    else log.info(note, "the environment is not followed here: an API call decided otherwise");
  }
  if (isChanged) await tell(changes);
  return departed;
}

/** A process that does not hear it looks for itself within about a second. */
async function tell({ redis, prefix }: Pick<FleetChanges, "redis" | "prefix">): Promise<void> {
  await announce(redis, prefix, "nodes", "").catch(() => undefined);
}
