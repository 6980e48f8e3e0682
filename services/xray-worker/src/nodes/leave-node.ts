import type { EmptiedFile } from "../config-file/emptied-file.ts";
import { CALL_DEADLINE_MS, type DesiredState, type InboundVault } from "@veil/keys";
import { type FleetNode, type Place, placesOf } from "@veil/nodes";
import { userEmail } from "@veil/protocols";
import { type CertificateFolder, type ConnectedXray, connectXrayNode, XrayError, type XrayNode } from "@veil/xray-grpc";
import pLimit from "p-limit";
import { nodeErrors } from "./node-errors.ts";
import { NodeGroups, regroupedOf } from "./node-groups.ts";
import type { LeavingNode } from "./retire-node.ts";
import { findSameProcess, type MarkedProcess } from "./same-process.ts";
import { XrayNodeUsers } from "./xray-node-users.ts";

export interface LeaveNodePorts {
  readonly vault: InboundVault;
  readonly inFile: EmptiedFile;
  readonly certificates: CertificateFolder;
  /** The short id of the settings. */
  readonly shortId: string;
  /** The nodes that this worker is connected with at each moment. */
  readonly connected: () => readonly MarkedProcess[];
  readonly newMark: () => string;
}

/** So many users are removed one by one; of more the inbound is made anew, which shuts its port for some milliseconds. */
const REMOVED_ONE_BY_ONE = 1_000;
const REMOVED_AT_ONCE = 32;

/** Who asks for the process alone names no inbound of it. */
const NO_INBOUND = "none";

const NOBODY: DesiredState = {
  findCreating: async () => [],
  findDesired: async () => new Map(),
  hasDesired: async () => true,
};

/** Connects a node that is to be emptied. */
export function leaveNode(of: FleetNode, ports: LeaveNodePorts): LeavingNode {
  const { vault, inFile, certificates, shortId, connected, newMark } = ports;
  const { name, address, inboundTag, tls } = of;
  const identity = certificates.identity(tls);
  const node = connectXrayNode({ name, address, inboundTag, identity, callTimeoutMs: CALL_DEADLINE_MS });
  const isOthers = async (): Promise<boolean> => {
    const others = connected().filter((one) => one.name !== name);
    return (await nodeErrors(name, () => findSameProcess(node, others, newMark))) !== null;
  };
  return {
    answers: () => answers(node),
    isInFile: inFile.isOf(name),
    places: placesOf(of).map((place) => ({
      name: place.name,
      removeFromFile: () => inFile.empty(place),
      removeUsers: async () => {
        if (!(await isOthers())) await emptied(place, node, { vault, shortId });
      },
    })),
    close: () => node.close(),
  };
}

async function emptied(
  place: Place,
  xray: ConnectedXray,
  { vault, shortId }: Pick<LeaveNodePorts, "vault" | "shortId">,
): Promise<void> {
  const { name, of, inbound } = place;
  const node = name === of.name ? xray : xray.at(inbound.tag, name);
  const groups = new NodeGroups(regroupedOf(place), 0);
  const common = inbound.shortId ?? of.shortId ?? shortId;
  const users = new XrayNodeUsers({
    ...{ node, kind: inbound, vault, groups },
    inboundTag: inbound.tag,
    shortId: common,
  });
  const listed = await users.list();
  const ours = listed.users.flatMap(({ keyId }) => keyId ?? []);
  if (listed.state === "missing" || ours.length === 0) return;
  if (ours.length > REMOVED_ONE_BY_ONE) {
    await listed.rebuild(NOBODY);
    return;
  }
  const limit = pLimit(REMOVED_AT_ONCE);
  const remove = (keyId: number) => limit(() => node.removeUser(userEmail(keyId)));
  await nodeErrors(name, () => Promise.all(ours.map(remove)));
}

async function answers(node: XrayNode): Promise<boolean> {
  try {
    await node.uptimeSeconds();
    return true;
  } catch (error) {
    if (error instanceof XrayError) return false;
    throw error;
  }
}

/** The name of another node whose Xray process answers at the address of one; null when none of those in reach is known to. */
export async function processAt(
  { name, address, tls }: Pick<FleetNode, "name" | "address" | "tls">,
  { certificates, connected, newMark }: Pick<LeaveNodePorts, "certificates" | "connected" | "newMark">,
): Promise<string | null> {
  const identity = certificates.identity(tls);
  const node = connectXrayNode({
    ...{ name, address, identity },
    inboundTag: NO_INBOUND,
    callTimeoutMs: CALL_DEADLINE_MS,
  });
  try {
    return await findSameProcess(node, connected(), newMark);
  } catch (error) {
    if (error instanceof XrayError) return null;
    throw error;
  } finally {
    node.close();
  }
}
