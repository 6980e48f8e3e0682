import {
  asciiAddress,
  asciiHost,
  type CreateNodeBody,
  newNode,
  type NodeBody,
  type UpdateNodeBody,
} from "@veil/http-contract";
import { inboundOfWire, type JobResult, tlsOfWire } from "@veil/job-contract";
import { SYSTEM } from "@veil/events";
import {
  changed,
  DEFAULT_MULTIPLIER,
  DEFAULT_NODE_GROUPS,
  drained,
  entered,
  type NodeChange,
  nodeOf,
} from "@veil/nodes";
import { NodeNotFoundError, NodesOfInstallationError } from "../errors.ts";
import { runDeletion } from "../jobs/run-deletion.ts";
import { type PayloadStamp, type PlannedJob, planWriteJob, runWriteJob } from "../jobs/run-write-job.ts";
import { notAppliedError } from "../jobs/write-jobs.ts";
import type { WriteLimits } from "../jobs/write-limits.ts";
import type { RequestScope } from "../ports.ts";
import { fleetAfterWrite, fleetError, fleetResultOf, type FleetWritePorts, type PlannedChange } from "./fleet-write.ts";
import { readNode, type ReadNodesPorts, seesNodes } from "./read-nodes.ts";

export interface ManageNodesPorts extends FleetWritePorts, Omit<ReadNodesPorts, "clock" | "fleet"> {
  /** The inbound of a node that names none. */
  readonly inboundTag: string;
}

type ChangingOperation = "createNode" | "updateNode" | "drainNode" | "undrainNode";

/**
 * Enters a node.
 *
 * @throws {NodesOfInstallationError} when the caller has an owner
 * @throws {ContradictionError} when another node has the name, the address or the process
 * @throws {WriteFailedError} when it was not entered
 */
export async function createNode(
  body: CreateNodeBody,
  scope: RequestScope,
  ports: ManageNodesPorts,
): Promise<NodeBody> {
  if (!seesNodes(scope)) throw new NodesOfInstallationError();
  const node = newNode(body, ports.inboundTag);
  const job = planWriteJob("createNode", scope, ports);
  const payload = (stamp: PayloadStamp) => ({ node, ...stamp });
  const onNoOutcome = (limits: WriteLimits) => fleetResultOf(job.id, "createNode", limits, ports);
  const written: NodeWrite = { job, name: body.name, change: (fleet, stamp) => entered(fleet, node, stamp) };
  return answered(written, await runWriteJob({ job, payload, onNoOutcome }, scope, ports), scope, ports);
}

/** Changes a node. @throws {NodeNotFoundError} when the caller sees none of this name; otherwise as {@link createNode} */
export async function updateNode(
  name: string,
  body: UpdateNodeBody,
  scope: RequestScope,
  ports: ManageNodesPorts,
): Promise<NodeBody> {
  await readNode(name, scope, ports);
  const {
    address,
    host,
    port,
    public_key: publicKey,
    short_id: shortId,
    sni,
    note,
    inbounds,
    tls,
    groups,
    multiplier,
  } = body;
  const change: NodeChange = {
    ...(address !== undefined && { address: asciiAddress(address) }),
    ...(host !== undefined && { host: asciiHost(host) }),
    ...(port !== undefined && { port }),
    ...(publicKey !== undefined && { publicKey }),
    ...(shortId !== undefined && { shortId }),
    ...(sni !== undefined && { sni }),
    ...(note !== undefined && { note }),
    ...(inbounds !== undefined && {
      inboundTag: inbounds?.[0]?.tag ?? ports.inboundTag,
      ...(inbounds !== null && { inbounds: inbounds.map(inboundOfWire) }),
    }),
    ...(tls !== undefined && { tls: tlsOfWire(tls) }),
    ...(groups !== undefined && { groups: [...new Set(groups ?? DEFAULT_NODE_GROUPS)] }),
    ...(multiplier !== undefined && { multiplier: multiplier ?? DEFAULT_MULTIPLIER }),
  };
  const job = planWriteJob("updateNode", scope, ports);
  const payload = (stamp: PayloadStamp) => ({ name, change, ...stamp });
  const onNoOutcome = (limits: WriteLimits) => fleetResultOf(job.id, "updateNode", limits, ports);
  const written: NodeWrite = { job, name, change: (fleet, stamp) => changed(fleet, name, change, stamp) };
  return answered(written, await runWriteJob({ job, payload, onNoOutcome }, scope, ports), scope, ports);
}

/** Takes a node out of links, or shows it again. @throws as {@link updateNode} does */
export async function drainNode(
  operation: "drainNode" | "undrainNode",
  name: string,
  scope: RequestScope,
  ports: ManageNodesPorts,
): Promise<NodeBody> {
  await readNode(name, scope, ports);
  const job = planWriteJob(operation, scope, ports);
  const isDrained = operation === "drainNode";
  const payload = (stamp: PayloadStamp) => ({ name, is_drained: isDrained, ...stamp });
  const onNoOutcome = (limits: WriteLimits) => fleetResultOf(job.id, operation, limits, ports);
  const change: NodeWrite["change"] = (fleet, stamp) => drained(fleet, name, isDrained, { ...stamp, actor: SYSTEM });
  return answered({ job, name, change }, await runWriteJob({ job, payload, onNoOutcome }, scope, ports), scope, ports);
}

/** Deletes a node. @throws as {@link updateNode} does */
export async function deleteNode(
  name: string,
  force: boolean,
  scope: RequestScope,
  ports: ManageNodesPorts,
): Promise<void> {
  if (!seesNodes(scope)) throw new NodeNotFoundError(name);
  const job = planWriteJob("deleteNode", scope, ports);
  const payload = (stamp: PayloadStamp) => ({ name, force, ...stamp });
  const isThere = async () => nodeOf(await ports.fleet(), name) !== null;
  const notFound = () => new NodeNotFoundError(name);
  const result = await runDeletion({ job, payload, isThere, notFound }, scope, ports);
  if (result.outcome === "deleted" || result.outcome === "gone") return;
  if (result.outcome === "not-found") throw notFound();
  throw notAppliedError("deleteNode", result);
}

interface NodeWrite extends PlannedChange {
  readonly job: PlannedJob<ChangingOperation>;
  readonly name: string;
}

async function answered(
  { name, ...planned }: NodeWrite,
  result: JobResult<"change-node">,
  scope: RequestScope,
  ports: ManageNodesPorts,
): Promise<NodeBody> {
  if (result.outcome === "changed") {
    return readNode(name, scope, { fleet: () => fleetAfterWrite(planned, scope, ports) });
  }
  throw fleetError(planned.job.operation, result, () => new NodeNotFoundError(name));
}
