import type { EmptiedFile } from "../config-file/emptied-file.ts";
import type { InboundVault } from "@veil/keys";
import { type FleetNode, placesOf } from "@veil/nodes";
import { type CertificateFolder, XrayError, type XrayNode } from "@veil/xray-grpc";
import { connectVisit } from "./connect-visit.ts";
import { emptyPlace } from "./empty-place.ts";
import { nodeErrors } from "./node-errors.ts";
import type { LeavingNode } from "./retire-node.ts";
import { findSameProcess, type LastMark, type MarkedProcess } from "./same-process.ts";

export interface LeaveNodePorts {
  readonly vault: Pick<InboundVault, "save" | "load">;
  readonly inFile: EmptiedFile;
  readonly certificates: CertificateFolder;
  /** The short id of the settings. */
  readonly shortId: string;
  /** The nodes that this worker is connected with at each moment. */
  readonly connected: () => readonly MarkedProcess[];
  readonly newMark: () => string;
  readonly lastMark: LastMark;
}

/** Connects a node that is to be emptied. */
export function leaveNode(of: FleetNode, ports: LeaveNodePorts): LeavingNode {
  const { vault, inFile, certificates, shortId, connected, newMark, lastMark } = ports;
  const { name } = of;
  const node = connectVisit(of, certificates, { inboundTag: of.inboundTag });
  const isOthers = async (): Promise<boolean> => {
    const others = connected().filter((one) => one.name !== name);
    return (await nodeErrors(name, () => findSameProcess(node, others, newMark, lastMark))) !== null;
  };
  return {
    answers: () => answers(node),
    isInFile: inFile.isOf(name),
    places: placesOf(of).map((place) => ({
      name: place.name,
      removeFromFile: () => inFile.empty(place),
      removeUsers: async () => {
        if (await isOthers()) return;
        await emptyPlace(place, place.name === name ? node : node.at(place.inbound.tag, place.name), {
          vault,
          shortId,
        });
      },
    })),
    close: () => node.close(),
  };
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
  of: Pick<FleetNode, "name" | "address" | "tls">,
  { certificates, connected, newMark }: Pick<LeaveNodePorts, "certificates" | "connected" | "newMark">,
): Promise<string | null> {
  const node = connectVisit(of, certificates);
  try {
    return await findSameProcess(node, connected(), newMark);
  } catch (error) {
    if (error instanceof XrayError) return null;
    throw error;
  } finally {
    node.close();
  }
}
