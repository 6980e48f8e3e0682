import { CALL_DEADLINE_MS } from "@veil/keys";
import { type FleetNode, PLAIN_INBOUND } from "@veil/nodes";
import { runningFault, type SaidInbound } from "@veil/protocols";
import { type CertificateFolder, InboundUnsupportedError, XrayError, type XrayNode } from "@veil/xray-grpc";
import { connectVisit } from "./connect-visit.ts";

/** A node as far as it says what its Xray is to be. */
export type SaidNode = Pick<FleetNode, "name" | "address" | "tls" | "publicKey" | "sni"> &
  Pick<FleetNode, "inboundTag"> & { readonly inbounds: readonly (SaidInbound & { readonly tag: string })[] };

/**
 * What keeps keys or their clients out of inbounds of a node, as a sentence; null when nothing is known to. One that is not there
 * yet, or does not answer, is none of that: passes look again.
 */
export async function inboundFaultAt(
  node: SaidNode,
  certificates: Pick<CertificateFolder, "identity">,
): Promise<string | null> {
  const { name, address, inboundTag, publicKey, sni } = node;
  const inbounds = node.inbounds.length > 0 ? node.inbounds : [{ ...PLAIN_INBOUND, tag: inboundTag }];
  // A caller waits for it.
  const xray = connectVisit(node, certificates, { bulkTimeoutMs: CALL_DEADLINE_MS });
  try {
    // Together: the Xray lists all of its inbounds for each look, which those at the same moment share.
    const faults = await Promise.all(
      inbounds.map(async ({ tag, ...inbound }) => {
        // Passes see to it that the short id is accepted.
        const said = { ...inbound, publicKey: inbound.publicKey ?? publicKey, shortId: null, sni: inbound.sni ?? sni };
        const fault = await faultOf(xray.at(tag, name), said);
        return fault === null ? null : `the inbound ${tag} of the Xray at ${address} ${fault}`;
      }),
    );
    return faults.find((fault) => fault !== null) ?? null;
  } finally {
    xray.close();
  }
}

async function faultOf(inbound: Pick<XrayNode, "describeInbound">, said: SaidInbound): Promise<string | null> {
  try {
    const runs = await inbound.describeInbound();
    return runs === null ? null : runningFault(said, runs);
  } catch (error) {
    if (error instanceof InboundUnsupportedError) return error.fault;
    if (error instanceof XrayError) return null;
    throw error;
  }
}
