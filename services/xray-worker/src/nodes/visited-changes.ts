import type { JobResult } from "@veil/job-contract";
import {
  CHANGE_PLACES,
  type ChangeStamp,
  changed,
  entered,
  type Fleet,
  type FleetChange,
  type FleetNode,
  inboundsOf,
  type NewNode,
  type NodeChange,
  nodeOf,
  type NodeTls,
} from "@veil/nodes";
import type { CertificateFolder } from "@veil/xray-grpc";
import { changeInTime, type FleetChanges, resultOf } from "./fleet-changes.ts";
import type { SaidNode } from "./inbound-faults.ts";

/** Questions to nodes before they are entered or changed. */
export interface ChangeNodePorts extends FleetChanges {
  /** The name of another node whose Xray process answers at the address of one; null when none is known to. */
  readonly processAt: (node: Pick<FleetNode, "name" | "address" | "tls">) => Promise<string | null>;
  /** How many users would stay where a node is when it is to be found elsewhere. */
  readonly leftBehind: (node: FleetNode, next: Pick<FleetNode, "address" | "tls">) => Promise<number>;
  readonly certificates: Pick<CertificateFolder, "fault">;
  /** A sentence that says why keys or their clients can't be in inbounds of a node; null when no reason is known. */
  readonly inboundFault: (node: SaidNode) => Promise<string | null>;
}

type ChangeResult = JobResult<"change-node">;

interface Limits {
  readonly job: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

/**
 * Enters a node, unless nothing can come of it. One that another attempt of the write has entered is not visited again.
 *
 * @param enter how it stands among the others
 * @throws {StoreUnavailableError}
 */
export async function enterNode(
  node: NewNode,
  limits: Limits,
  ports: ChangeNodePorts,
  enter: (fleet: Fleet, node: NewNode, stamp: ChangeStamp) => FleetChange = entered,
): Promise<ChangeResult> {
  const decide = (fleet: Fleet, stamp: ChangeStamp) => enter(fleet, node, stamp);
  const unvisited = await resultUnvisited(limits, decide, ports);
  if (unvisited !== null) return unvisited;
  const fault = tlsFault(node.tls, ports);
  if (fault !== null) return unusable(fault);
  const other = await ports.processAt(node);
  if (other !== null) return sameProcess(other);
  const inbound = await ports.inboundFault(node);
  if (inbound !== null) return { outcome: "refused", detail: inbound };
  return changeInTime(limits, decide, ports);
}

/**
 * Changes what a node is, unless it would lose or share users. One that another attempt of the write has changed is not visited again.
 *
 * @param apply how it stands among the others then
 * @throws {StoreUnavailableError}
 */
export async function changeNode(
  name: string,
  wanted: NodeChange,
  limits: Limits,
  ports: ChangeNodePorts,
  apply: (fleet: Fleet, name: string, change: NodeChange, stamp: ChangeStamp) => FleetChange = changed,
): Promise<ChangeResult> {
  const decide = (fleet: Fleet, stamp: ChangeStamp) => apply(fleet, name, wanted, stamp);
  const unvisited = await resultUnvisited(limits, decide, ports);
  if (unvisited !== null) return unvisited;
  const fault = tlsFault(wanted.tls ?? null, ports);
  if (fault !== null) return unusable(fault);
  if (wanted.address !== undefined) {
    const stored = await storedNode(name, ports);
    const next = {
      name,
      address: wanted.address,
      tls: wanted.tls === undefined ? (stored?.tls ?? null) : wanted.tls,
    };
    const other = await ports.processAt(next);
    if (other !== null) return sameProcess(other, CHANGE_PLACES);
    const users = stored === null ? 0 : await ports.leftBehind(stored, next);
    if (stored !== null && users > 0) return usersStay(stored, next);
  }
  const inbound = await changedInboundFault(name, wanted, ports);
  if (inbound !== null) return { outcome: "refused", detail: inbound };
  return changeInTime(limits, decide, ports);
}

/**
 * What becomes of a change whatever its visits would find: it was made before, or what is stored rules it out. Null where the visits
 * decide.
 */
async function resultUnvisited(
  { job }: Limits,
  decide: (fleet: Fleet, stamp: ChangeStamp) => FleetChange,
  { store, clock }: ChangeNodePorts,
): Promise<ChangeResult | null> {
  const fleet = await store.read();
  const end = fleet === null ? null : decide(fleet, { job, now: clock.now() });
  return end === null || end.outcome === "changed" ? null : resultOf(end);
}

function tlsFault(tls: NodeTls | null, { certificates, clock }: ChangeNodePorts): string | null {
  return tls === null ? null : certificates.fault(tls, clock.now());
}

async function changedInboundFault(
  name: string,
  change: NodeChange,
  { store, inboundFault }: Pick<ChangeNodePorts, "store" | "inboundFault">,
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

/** Says no number of users: that is another one at each look, and the obstacle the same. */
function usersStay(
  { name, address }: Pick<FleetNode, "name" | "address">,
  next: Pick<FleetNode, "address">,
): ChangeResult {
  const instead = `stop it first, or add a node for ${next.address} and delete ${name}`;
  const detail = `the Xray at ${address} still has users of node ${name}, and is not found at ${next.address}: ${instead}`;
  return { outcome: "refused", detail };
}

function unusable(fault: string): ChangeResult {
  return { outcome: "refused", detail: `tls: ${fault}` };
}

function sameProcess(other: string, instead = ""): ChangeResult {
  return { outcome: "taken", detail: `the Xray process at this address is that of node ${other}${instead}` };
}
