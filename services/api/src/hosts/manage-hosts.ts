import { changedByWriteOf } from "@veil/idempotency";
import {
  asciiHost,
  type CreateHostBody,
  type HostBody,
  type PutHostBody,
  type UpdateHostBody,
} from "@veil/http-contract";
import type { JobResult } from "@veil/job-contract";
import { type HostChange, hostChanged, hostOf, hostPut, PLAIN_HOST } from "@veil/nodes";
import { HostNotFoundError, NodesOfInstallationError } from "../errors.ts";
import { idOfWrite } from "../jobs/id-of-write.ts";
import { runDeletion } from "../jobs/run-deletion.ts";
import { type PayloadStamp, type PlannedJob, planWriteJob, runWriteJob } from "../jobs/run-write-job.ts";
import type { WriteLimits } from "../jobs/write-limits.ts";
import {
  fleetAfterWrite,
  fleetError,
  fleetResultOf,
  type FleetWritePorts,
  type PlannedChange,
} from "../nodes/fleet-write.ts";
import { seesNodes } from "../nodes/read-nodes.ts";
import type { RequestScope } from "../ports.ts";
import { readHost } from "./read-hosts.ts";

export type ManageHostsPorts = FleetWritePorts;

type ChangingOperation = "createHost" | "putHost" | "updateHost";

/**
 * Makes a host.
 *
 * @throws {NodesOfInstallationError} when the caller has an owner
 * @throws {ContradictionError} when it leads nowhere, or there are too many
 * @throws {WriteFailedError} when it was not made
 */
export async function createHost(
  body: CreateHostBody,
  scope: RequestScope,
  ports: ManageHostsPorts,
): Promise<HostBody> {
  if (!seesNodes(scope)) throw new NodesOfInstallationError();
  const job = planWriteJob("createHost", scope, ports);
  return put({ id: `h_${idOfWrite(job.id)}`, body, job }, scope, ports);
}

/** Makes a host under an id that the caller chose, or puts it in the place of the one that has it. @throws as {@link createHost} does, and {@link HostNotFoundError} */
export async function putHost(
  id: string,
  body: PutHostBody,
  scope: RequestScope,
  ports: ManageHostsPorts,
): Promise<HostBody> {
  if (!seesNodes(scope)) throw new NodesOfInstallationError();
  return put({ id, body, job: planWriteJob("putHost", scope, ports) }, scope, ports);
}

interface PlannedPut {
  readonly id: string;
  readonly body: PutHostBody;
  readonly job: PlannedJob<"createHost" | "putHost">;
}

async function put({ id, body, job }: PlannedPut, scope: RequestScope, ports: ManageHostsPorts): Promise<HostBody> {
  const { operation } = job;
  const host = { id, ...PLAIN_HOST, ...changeOf(body), node: body.node };
  const mayMake = operation === "createHost";
  const payload = (stamp: PayloadStamp) => ({ host, may_make: mayMake, ...stamp });
  const onNoOutcome = (limits: WriteLimits) => fleetResultOf(job.id, operation, limits, ports);
  const written: HostWrite = { job, id, change: (fleet, stamp) => hostPut(fleet, host, mayMake, stamp) };
  return answered(written, await runWriteJob({ job, payload, onNoOutcome }, scope, ports), scope, ports);
}

/** Changes a host. @throws {HostNotFoundError} when the caller sees none of this id; otherwise as {@link createHost} */
export async function updateHost(
  id: string,
  body: UpdateHostBody,
  scope: RequestScope,
  ports: ManageHostsPorts,
): Promise<HostBody> {
  await readHost(id, scope, ports);
  const job = planWriteJob("updateHost", scope, ports);
  const change = changeOf(body);
  const payload = (stamp: PayloadStamp) => ({ host_id: id, change, ...stamp });
  const onNoOutcome = (limits: WriteLimits) => fleetResultOf(job.id, "updateHost", limits, ports);
  const written: HostWrite = { job, id, change: (fleet, stamp) => hostChanged(fleet, id, change, stamp) };
  return answered(written, await runWriteJob({ job, payload, onNoOutcome }, scope, ports), scope, ports);
}

/** Deletes a host. @throws {ContradictionError} when it comes with its node; otherwise as {@link updateHost} */
export async function deleteHost(id: string, scope: RequestScope, ports: ManageHostsPorts): Promise<void> {
  if (!seesNodes(scope)) throw new HostNotFoundError(id);
  const job = planWriteJob("deleteHost", scope, ports);
  const payload = (stamp: PayloadStamp) => ({ host_id: id, ...stamp });
  const isThere = async () => hostOf(await ports.fleet(), id) !== null;
  const notFound = () => new HostNotFoundError(id);
  const result = await runDeletion({ job, payload, isThere, notFound }, scope, ports);
  if (result.outcome === "changed" || result.outcome === "gone") return;
  throw fleetError("deleteHost", result, notFound);
}

/** The fields of a body, as a change of a host. */
function changeOf(body: UpdateHostBody): HostChange {
  const { node, inbound, remark, address, port, sni, fingerprint, alpn, path, order, weight, groups, hidden } = body;
  return {
    ...(node !== undefined && { node }),
    ...(inbound !== undefined && { inbound }),
    ...(remark !== undefined && { remark }),
    ...(address !== undefined && { address: asciiHost(address) }),
    ...(port !== undefined && { port }),
    ...(sni !== undefined && { sni }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(alpn !== undefined && { alpn }),
    ...(path !== undefined && { path }),
    ...(order !== undefined && { order }),
    ...(weight !== undefined && { weight }),
    ...(groups !== undefined && { groups: groups === null ? null : [...new Set(groups)] }),
    ...(hidden !== undefined && { hidden }),
  };
}

interface HostWrite extends PlannedChange {
  readonly job: PlannedJob<ChangingOperation>;
  readonly id: string;
}

async function answered(
  { id, ...planned }: HostWrite,
  result: JobResult<"change-host">,
  scope: RequestScope,
  ports: ManageHostsPorts,
): Promise<HostBody> {
  if (result.outcome === "changed") {
    const fleet = await fleetAfterWrite(planned, scope, ports);
    // An API of the version before, which may have begun the write, names what is made otherwise.
    const written = changedByWriteOf(planned.job.id, fleet.hosts, ports.clock.now());
    return readHost(written?.id ?? id, scope, { fleet: () => Promise.resolve(fleet) });
  }
  throw fleetError(planned.job.operation, result, () => new HostNotFoundError(id));
}
