import type { FleetNode, InboundFields } from "@veil/nodes";
import { type CertificateFolder, InboundUnsupportedError, XrayError, type XrayNode } from "@veil/xray-grpc";
import { connectVisit } from "./connect-visit.ts";

/**
 * What keeps keys out of inbounds of the Xray at an address, as a sentence; null when nothing is known to. One that is not there
 * yet, or does not answer, is none of that: passes look again.
 */
export async function inboundFaultAt(
  of: Pick<FleetNode, "name" | "address" | "tls">,
  inbounds: readonly InboundFields[],
  certificates: Pick<CertificateFolder, "identity">,
): Promise<string | null> {
  if (inbounds.length === 0) return null;
  const xray = connectVisit(of, certificates);
  try {
    for (const { tag, protocol } of inbounds) {
      const fault = await faultOf(xray.at(tag, of.name), protocol);
      if (fault !== null) return `the inbound ${tag} of the Xray at ${of.address} ${fault}`;
    }
    return null;
  } finally {
    xray.close();
  }
}

async function faultOf(
  inbound: Pick<XrayNode, "inboundProtocol">,
  wanted: InboundFields["protocol"],
): Promise<string | null> {
  try {
    const protocol = await inbound.inboundProtocol();
    return protocol === null || protocol === wanted ? null : `takes users of ${protocol}, not of ${wanted}`;
  } catch (error) {
    if (error instanceof InboundUnsupportedError) return error.fault;
    if (error instanceof XrayError) return null;
    throw error;
  }
}
