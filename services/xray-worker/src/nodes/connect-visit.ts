import { CALL_DEADLINE_MS } from "@veil/keys";
import type { FleetNode } from "@veil/nodes";
import { type CertificateFolder, type ConnectedXray, connectXrayNode } from "@veil/xray-grpc";

/** A visit to the process alone names no inbound of it. */
const NO_INBOUND = "none";

/**
 * Connects an Xray for the time of one job, which closes it: it may be no node yet, or none any more.
 *
 * @param inboundTag of which it is asked; none when left out @param bulkTimeoutMs for calls that carry all users; as long as a
 *   pass has for them when left out
 */
export function connectVisit(
  { name, address, tls }: Pick<FleetNode, "name" | "address" | "tls">,
  certificates: Pick<CertificateFolder, "identity">,
  { inboundTag = NO_INBOUND, ...limits }: { readonly inboundTag?: string; readonly bulkTimeoutMs?: number } = {},
): ConnectedXray {
  const identity = certificates.identity(tls);
  return connectXrayNode({ name, address, identity, inboundTag, callTimeoutMs: CALL_DEADLINE_MS, ...limits });
}
