import { type JobResult, TOO_LATE } from "@veil/job-contract";
import type { JobHandlers } from "@veil/job-queue";
import {
  changed,
  drained,
  entered,
  type FleetNode,
  inboundsOf,
  type NodeChange,
  nodeOf,
  type NodeTls,
} from "@veil/nodes";
import { actorOf } from "./actor-of.ts";
import { changeInTime, type FleetChanges } from "../nodes/fleet-changes.ts";
import type { SaidNode } from "../nodes/inbound-faults.ts";
import type { CertificateFolder } from "@veil/xray-grpc";
import { type RetireNodePorts, retireNode } from "../nodes/retire-node.ts";

export type NodeJobHandlers = Pick<
  JobHandlers<"veil-keys">,
  "create-node" | "change-node" | "drain-node" | "delete-node"
>;

export interface NodeJobPorts extends RetireNodePorts {
  /** The name of another node whose Xray process answers at the address of one; null when none is known to. */
  readonly processAt: (node: Pick<FleetNode, "name" | "address" | "tls">) => Promise<string | null>;
  /** How many users would stay where a node is when it is to be found elsewhere. */
  readonly leftBehind: (node: FleetNode, next: Pick<FleetNode, "address" | "tls">) => Promise<number>;
  readonly certificates: Pick<CertificateFolder, "fault">;
  /** A sentence that says why keys or their clients can't be in inbounds of a node; null when no reason is known. */
  readonly inboundFault: (node: SaidNode) => Promise<string | null>;
}

type ChangeResult = JobResult<"change-node">;

/** Handles each job that changes which nodes there are. */
export function nodeJobHandlers(ports: NodeJobPorts): NodeJobHandlers {
  const { processAt, inboundFault, leftBehind, certificates, clock } = ports;
  const faultOf = (tls: NodeTls | null) => (tls === null ? null : certificates.fault(tls, clock.now()));
  return {
    "create-node": async ({ node, deadline }, { jobId: job }) => {
      const fault = faultOf(node.tls);
      if (fault !== null) return unusable(fault);
      const other = await processAt(node);
      if (other !== null) return sameProcess(other);
      const inbound = await inboundFault(node);
      if (inbound !== null) return { outcome: "refused", detail: inbound };
      return changeInTime({ job, deadline }, (fleet, stamp) => entered(fleet, node, stamp), ports);
    },
    "change-node": async ({ name, change: wanted, deadline }, { jobId: job }) => {
      const fault = faultOf(wanted.tls ?? null);
      if (fault !== null) return unusable(fault);
      if (wanted.address !== undefined) {
        const stored = await storedNode(name, ports);
        const next = {
          name,
          address: wanted.address,
          tls: wanted.tls === undefined ? (stored?.tls ?? null) : wanted.tls,
        };
        const other = await processAt(next);
        if (other !== null) return sameProcess(other);
        const users = stored === null ? 0 : await leftBehind(stored, next);
        if (stored !== null && users > 0) return usersStay(stored, next, users);
      }
      const inbound = await changedInboundFault(name, wanted, ports);
      if (inbound !== null) return { outcome: "refused", detail: inbound };
      return changeInTime({ job, deadline }, (fleet, stamp) => changed(fleet, name, wanted, stamp), ports);
    },
    "drain-node": ({ name, is_drained: isDrained, deadline, ...asked }, { jobId: job }) => {
      const actor = actorOf(asked);
      return changeInTime(
        { job, deadline },
        (fleet, stamp) => drained(fleet, name, isDrained, { ...stamp, actor }),
        ports,
      );
    },
    "delete-node": async ({ name, force, deadline, request_id: requestId }, { jobId: job, redelivered }) => {
      if (clock.now() > deadline) return TOO_LATE;
      return retireNode({ name, force, deadline, requestId, job, redelivered }, ports);
    },
  };
}

async function changedInboundFault(
  name: string,
  change: NodeChange,
  { store, inboundFault }: Pick<NodeJobPorts, "store" | "inboundFault">,
): Promise<string | null> {
  if (VISITED_FOR.every((field) => change[field] === undefined)) return null;
  const node = await storedNode(name, { store });
  if (node === null) return null;
  const present = inboundsOf(node).filter(({ isLeaving }) => !isLeaving);
  const isRenamed = change.inboundTag !== undefined;
  return inboundFault({ ...node, ...change, inbounds: change.inbounds ?? (isRenamed ? [] : present) });
}

/** What its Xray has to agree with. */
const VISITED_FOR = [
  "address",
  "tls",
  "inboundTag",
  "inbounds",
  "publicKey",
  "sni",
] as const satisfies readonly (keyof NodeChange)[];

async function storedNode(name: string, { store }: Pick<FleetChanges, "store">): Promise<FleetNode | null> {
  const fleet = await store.read();
  return fleet === null ? null : nodeOf(fleet, name);
}

function usersStay(
  { name, address }: Pick<FleetNode, "name" | "address">,
  next: Pick<FleetNode, "address">,
  users: number,
): ChangeResult {
  const instead = `stop it first, or add a node for ${next.address} and delete ${name}`;
  const detail = `the Xray at ${address} has ${users} users of node ${name}, and is not found at ${next.address}: ${instead}`;
  return { outcome: "refused", detail };
}

function unusable(fault: string): ChangeResult {
  return { outcome: "refused", detail: `tls: ${fault}` };
}

function sameProcess(other: string): ChangeResult {
  return { outcome: "taken", detail: `the Xray process at this address is that of node ${other}` };
}
