import { TOO_LATE } from "@veil/job-contract";
import { isNodeError } from "@veil/keys";
import { disabled, ended, type FleetNode, nodeOf } from "@veil/nodes";
import { passTask, waitExclusively } from "@veil/redis";
import type { Clock } from "@veil/runtime";
import { changeNodes, type FleetChanges } from "./fleet-changes.ts";
import { untilKnownToAll } from "./joining-nodes.ts";

/** A node that is on its way out. */
export interface LeavingNode {
  /** Whether it answers. */
  readonly answers: () => Promise<boolean>;
  /** Whether its Xray has a config file that is kept. */
  readonly isInFile: boolean;
  /** Its inbounds. */
  readonly places: readonly LeavingPlace[];
  readonly close: () => void;
}

interface LeavingPlace {
  readonly name: string;
  /** Takes our users out of the config file as well, if there is one. @returns whether none is left in it */
  readonly removeFromFile: () => Promise<boolean>;
  /**
   * Takes our users out of it. Those of a node that leads to the process of another one are that one's, and stay.
   *
   * @throws {NodeUnreachableError | NodeIndeterminateError | NodeRejectedError}
   */
  readonly removeUsers: () => Promise<void>;
}

export interface RetireNodePorts extends FleetChanges {
  readonly clock: Pick<Clock, "now" | "monotonic" | "sleep">;
  readonly leave: (node: FleetNode) => LeavingNode;
  /** Has all that a node has counted brought into the ledger. @returns whether it was */
  readonly readLast: (node: string, request: RetireRequest) => Promise<boolean>;
}

export interface RetireRequest {
  readonly name: string;
  /** Whether it goes also when it does not answer, and what its last bytes are is not known; `when-away`: only then. */
  readonly force: boolean | "when-away";
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly requestId: string;
  readonly job: string;
  readonly redelivered: boolean;
}

type RetireResult =
  | { readonly outcome: "deleted" }
  | { readonly outcome: "not-found" }
  | { readonly outcome: "unavailable"; readonly detail: string }
  | typeof TOO_LATE;

/** Left of the time for what follows the last reading, which nobody may be there to make. */
const END_MS = 1_000;

/**
 * Takes a node out: nobody adds users to it any more, ours are removed, its bytes are read once more, and it is gone. May run
 * twice. One that is cut off leaves the node disabled, and the next one goes on from there.
 *
 * @throws {StoreUnavailableError} for another attempt
 */
export async function retireNode(request: RetireRequest, ports: RetireNodePorts): Promise<RetireResult> {
  const { name, force, deadline, redelivered } = request;
  const fleet = await ports.store.read();
  const node = fleet === null ? null : nodeOf(fleet, name);
  if (node === null) return { outcome: redelivered ? "deleted" : "not-found" };
  if (ports.clock.now() > deadline) return TOO_LATE;
  const leaving = ports.leave(node);
  try {
    const answers = await leaving.answers();
    const isForced = force === true || (force === "when-away" && !answers);
    if (!answers && !isForced) return { outcome: "unavailable", detail: `node ${name} does not answer; ?force=true` };
    const fault = await emptied(node, leaving, answers, request, ports);
    if (fault !== null && !isForced) return { outcome: "unavailable", detail: fault };
    return await ending(request, ports);
  } finally {
    leaving.close();
  }
}

/** A caller that showed the node again while it was emptied has decided otherwise. */
async function ending({ name, deadline }: RetireRequest, ports: RetireNodePorts): Promise<RetireResult> {
  let [isLate, stays] = [false, false];
  const isEnded = await changeNodes((found) => {
    const now = ports.clock.now();
    isLate = now > deadline;
    const update = isLate ? null : ended(found, name, now);
    stays = update === null && nodeOf(found, name) !== null;
    return update;
  }, ports);
  if (isEnded) ports.log.info({ node: name }, "the node is gone");
  if (!stays) return { outcome: "deleted" };
  return isLate ? TOO_LATE : { outcome: "unavailable", detail: `node ${name} was shown again meanwhile` };
}

/** @returns what is still to be done, null when nothing is */
async function emptied(
  { name }: FleetNode,
  leaving: LeavingNode,
  answers: boolean,
  request: RetireRequest,
  ports: RetireNodePorts,
): Promise<string | null> {
  const { clock } = ports;
  let since = clock.now();
  await changeNodes((found) => {
    const now = clock.now();
    const end = disabled(found, name, { job: request.job, now });
    // One that was disabled before has been so since then.
    since = end.outcome === "done" ? (nodeOf(found, name)?.since ?? now) : now;
    return end.outcome === "changed" ? end : null;
  }, ports);
  if (!answers && !leaving.isInFile) return null;
  // By then no worker adds a user any more.
  await clock.sleep(untilKnownToAll(since, clock.now()));
  // First: an Xray that starts in between must not bring them back.
  const written = await Promise.all(leaving.places.map((place) => place.removeFromFile()));
  const file = written.includes(false) ? `the users of node ${name} could not be removed from its config file` : null;
  if (!answers) return file;
  for (const place of leaving.places) {
    const removal = await removed(name, place, request, ports);
    if (removal !== null) return removal;
  }
  const read = await ports.readLast(name, { ...request, deadline: request.deadline - END_MS });
  return read ? file : `the last bytes of node ${name} could not be read yet`;
}

async function removed(
  name: string,
  place: LeavingPlace,
  { deadline }: RetireRequest,
  { redis, prefix, clock }: RetireNodePorts,
): Promise<string | null> {
  // A pass would put them back.
  const task = passTask(place.name, { redis, prefix });
  try {
    const waitMs = deadline - clock.now();
    const done = await waitExclusively(task, () => place.removeUsers(), { waitMs, clock });
    return done === null ? `node ${name} is being reconciled` : null;
  } catch (error) {
    if (!isNodeError(error)) throw error;
    return `the users of node ${name} could not be removed`;
  }
}
