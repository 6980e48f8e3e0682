import { CALL_DEADLINE_MS } from "@veil/keys";
import { type FleetNode, isSameAddress, placesOf } from "@veil/nodes";
import { keyIdOfEmail } from "@veil/protocols";
import {
  type CertificateFolder,
  type ConnectedXray,
  connectXrayNode,
  InboundMissingError,
  XrayError,
  type XrayNode,
} from "@veil/xray-grpc";
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
 * What stays behind when a node is to be found elsewhere: users of ours in an Xray that nobody would look after any more, where a
 * key works after it was deleted. None do where the new address leads to the same process, where another node does, and where no
 * Xray answers any more.
 *
 * @returns a sentence that says what to do instead; null when nothing stays
 */
export async function leftBehind(of: FleetNode, next: Whereabouts, ports: LeftBehindPorts): Promise<string | null> {
  const { name, address } = of;
  if (isSameAddress(address, next.address)) return null;
  const [former, other] = [connectAt(of, of, ports), connectAt({ ...of, name: next.address }, next, ports)];
  try {
    const users = await usersIn(of, former);
    if (users === 0) return null;
    if ((await findSameProcess(former, [other, ...ports.connected()], ports.newMark)) !== null) return null;
    const instead = `stop it first, or add a node for ${next.address} and delete ${name}`;
    return `the Xray at ${address} has ${users} users of node ${name}, and is not found at ${next.address}: ${instead}`;
  } catch (error) {
    // Who does not answer is taken for gone, as a server is that was replaced.
    if (error instanceof XrayError) return null;
    throw error;
  } finally {
    former.close();
    other.close();
  }
}

function connectAt({ name, inboundTag }: FleetNode, at: Whereabouts, { certificates }: LeftBehindPorts): ConnectedXray {
  const identity = certificates.identity(at.tls);
  return connectXrayNode({ name, address: at.address, inboundTag, identity, callTimeoutMs: CALL_DEADLINE_MS });
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
