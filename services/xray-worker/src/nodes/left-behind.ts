import { type FleetNode, isSameAddress, placesOf } from "@veil/nodes";
import { keyIdOfEmail } from "@veil/protocols";
import {
  type CertificateFolder,
  type ConnectedXray,
  InboundMissingError,
  XrayError,
  type XrayNode,
} from "@veil/xray-grpc";
import type { Logger } from "@veil/runtime";
import { connectVisit } from "./connect-visit.ts";
import { findSameProcess, type MarkedProcess } from "./same-process.ts";

export interface LeftBehindPorts {
  readonly certificates: Pick<CertificateFolder, "identity">;
  /** The nodes that this worker is connected with at each moment. */
  readonly connected: () => readonly MarkedProcess[];
  readonly newMark: () => string;
}

/** Where a node is found. */
type Whereabouts = Pick<FleetNode, "address" | "tls">;

/**
 * How many users stay behind when a node is to be found elsewhere, or nowhere: ours, in an Xray that nobody would look after any more,
 * where a key works after it was deleted. None do where the new address leads to the same process, where another node does, and
 * where no Xray answers any more.
 *
 * @param next null for nowhere
 */
export async function leftBehind(of: FleetNode, next: Whereabouts | null, ports: LeftBehindPorts): Promise<number> {
  if (next !== null && isSameAddress(of.address, next.address)) return 0;
  const former = connectVisit(of, ports.certificates);
  const others = next === null ? [] : [connectVisit({ ...next, name: next.address }, ports.certificates)];
  try {
    const users = await usersIn(of, former);
    if (users === 0) return 0;
    const isElsewhere = (await findSameProcess(former, [...others, ...ports.connected()], ports.newMark)) !== null;
    return isElsewhere ? 0 : users;
  } catch (error) {
    // A node that does not answer is taken for gone, like a server that was replaced.
    if (error instanceof XrayError) return 0;
    throw error;
  } finally {
    former.close();
    for (const other of others) other.close();
  }
}

async function usersIn(of: FleetNode, xray: ConnectedXray): Promise<number> {
  let users = 0;
  for (const { inbound } of placesOf(of)) users += await oursIn(xray.at(inbound.tag, of.name));
  return users;
}

async function oursIn(inbound: XrayNode): Promise<number> {
  try {
    if ((await inbound.countUsers()) === 0) return 0;
    return (await inbound.listUsers()).filter(({ email }) => keyIdOfEmail(email) !== null).length;
  } catch (error) {
    if (error instanceof InboundMissingError) return 0;
    throw error;
  }
}

/** Logs where users stay behind whom the environment has left: nobody was asked. Never rejects. */
export async function tellOfLeftBehind(
  departed: readonly FleetNode[],
  nodes: readonly FleetNode[],
  { log, ...ports }: LeftBehindPorts & { readonly log: Pick<Logger, "warn" | "error"> },
): Promise<void> {
  for (const of of departed) {
    const { name: node, address } = of;
    try {
      const users = await leftBehind(of, nodes.find(({ name }) => name === node) ?? null, ports);
      if (users > 0)
        log.error(
          { node, address, users },
          "users stay in an Xray that is no node any more: stop it, or take them out",
        );
    } catch (err) {
      log.warn({ err, node, address }, "could not look whether users stay in an Xray that is no node any more");
    }
  }
}
