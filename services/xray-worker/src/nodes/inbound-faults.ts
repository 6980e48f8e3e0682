import { CALL_DEADLINE_MS } from "@veil/keys";
import type { FleetNode, InboundFields } from "@veil/nodes";
import {
  type CertificateFolder,
  connectXrayNode,
  InboundUnsupportedError,
  XrayError,
  type XrayNode,
} from "@veil/xray-grpc";

/**
 * What keeps keys out of inbounds of the Xray at an address, as a sentence; null when nothing is known to. One that is not there
 * yet, or does not answer, is none of that: passes look again.
 */
export async function inboundFaultAt(
  { name, address, tls }: Pick<FleetNode, "name" | "address" | "tls">,
  inbounds: readonly InboundFields[],
  certificates: Pick<CertificateFolder, "identity">,
): Promise<string | null> {
  const [first] = inbounds;
  if (first === undefined) return null;
  const identity = certificates.identity(tls);
  const xray = connectXrayNode({ name, address, identity, inboundTag: first.tag, callTimeoutMs: CALL_DEADLINE_MS });
  try {
    for (const { tag, protocol } of inbounds) {
      const fault = await faultOf(xray.at(tag, name), protocol);
      if (fault !== null) return `the inbound ${tag} of the Xray at ${address} ${fault}`;
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
