import { CALL_DEADLINE_MS } from "@veil/keys";
import type { FleetNode, NodeTls } from "@veil/nodes";
import { lastingFailure, type Logger, runLoop, type ServicePart } from "@veil/runtime";
import {
  type CertificateFolder,
  type ConnectedXray,
  connectXrayNode,
  type XrayNode,
  type XrayNodeOptions,
} from "@veil/xray-grpc";

export interface NodeDependencies {
  readonly log: Logger;
  /** Called after every call to a node. */
  readonly callsOf: (node: string) => NonNullable<XrayNodeOptions["onCall"]>;
  readonly certificates: CertificateFolder;
  /** Called every minute for a node with TLS, and when it goes without: when certificates end, in unix seconds; null for none. */
  readonly onCertificates: (node: string, ends: NodeCertificateEnds | null) => void;
  /** Called when a node begins or ceases to answer. */
  readonly onReachableChange: (node: string, reachable: boolean) => void;
}

/** When the certificates end that a connection needs. Unix seconds. */
export interface NodeCertificateEnds {
  readonly ca: number;
  readonly client: number;
  /** Null while the node has shown none. */
  readonly server: number | null;
}

const CERTIFICATES_EVERY_MS = 60_000;

/** Connects a node's process. @param part closes the connection when the node goes */
export function connectNode(part: ServicePart, of: FleetNode, dependencies: NodeDependencies): ConnectedXray {
  const { name, address, inboundTag, tls } = of;
  const { certificates, onReachableChange } = dependencies;
  const node = connectXrayNode({
    name,
    address,
    inboundTag,
    callTimeoutMs: CALL_DEADLINE_MS,
    identity: certificates.identity(tls),
    onCall: dependencies.callsOf(name),
    onReachableChange: (reachable) => onReachableChange(name, reachable),
  });
  part.onStop("connections", `node ${name}`, () => node.close());
  if (tls !== null) watchCertificates(part, node, tls, dependencies);
  return node;
}

function watchCertificates(part: ServicePart, node: XrayNode, tls: NodeTls, dependencies: NodeDependencies): void {
  const { certificates, onCertificates, log } = dependencies;
  const { name } = node;
  runLoop(part, `certificates ${name}`, {
    everyMs: CERTIFICATES_EVERY_MS,
    jitter: 0.1,
    task: async () => onCertificates(name, { ...certificates.ends(tls), server: node.serverCertificateEnd }),
    ...lastingFailure(log, "could not read the certificates for a node", { node: name }),
  });
  part.onStop("loops", `certificates ${name}`, () => onCertificates(name, null));
}
