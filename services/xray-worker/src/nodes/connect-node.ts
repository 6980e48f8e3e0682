import { CALL_DEADLINE_MS, type InboundVault } from "@veil/keys";
import type { FleetNode, NodeTls } from "@veil/nodes";
import { lastingFailure, runLoop, type ServicePart } from "@veil/runtime";
import { type CertificateFolder, connectXrayNode, type XrayNode, type XrayNodeOptions } from "@veil/xray-grpc";
import { BlockedUsers } from "./blocked-users.ts";
import { type ConfigMirrorDependencies, openConfigMirror } from "../config-file/open-config-mirror.ts";
import type { WorkerSettings } from "../settings.ts";
import { NodeGroups } from "./node-groups.ts";
import { XrayNodeUsers } from "./xray-node-users.ts";

export interface NodeDependencies extends ConfigMirrorDependencies {
  readonly settings: WorkerSettings;
  readonly vault: InboundVault;
  /** The node whose config file the settings name. */
  readonly mirroredNode: string;
  /** Called every minute with how many removed users a node blocks. */
  readonly onBlocked: (node: string, users: number) => void;
  /** Called after every call to a node. */
  readonly callsOf: (node: string) => NonNullable<XrayNodeOptions["onCall"]>;
  readonly certificates: CertificateFolder;
  /** Called every minute for a node with TLS, and when it goes without: when certificates end, in unix seconds; null for none. */
  readonly onCertificates: (node: string, ends: NodeCertificateEnds | null) => void;
  /** Called when a node begins or ceases to answer. */
  readonly onReachableChange: (node: string, reachable: boolean) => void;
}

export interface ConnectedNode {
  readonly node: XrayNode;
  readonly users: XrayNodeUsers;
  readonly groups: NodeGroups;
}

/** When the certificates end that a connection needs. Unix seconds. */
export interface NodeCertificateEnds {
  readonly ca: number;
  readonly client: number;
  /** Null while the node has shown none. */
  readonly server: number | null;
}

const TIDY_EVERY_MS = 60_000;
const CERTIFICATES_EVERY_MS = 60_000;

/**
 * Connects a node, with what is to be done beside adding and removing users.
 *
 * @param part closes the connection and ends what is done when the node goes
 */
export function connectNode(part: ServicePart, of: FleetNode, dependencies: NodeDependencies): ConnectedNode {
  const { name, address, inboundTag, tls, shortId } = of;
  const { settings, store, vault, clock, log, mirroredNode, onReachableChange } = dependencies;
  const node = connectXrayNode({
    name,
    address,
    inboundTag,
    callTimeoutMs: CALL_DEADLINE_MS,
    identity: dependencies.certificates.identity(tls),
    onCall: dependencies.callsOf(name),
    onReachableChange: (reachable) => onReachableChange(name, reachable),
  });
  part.onStop("connections", `node ${name}`, () => node.close());
  if (tls !== null) watchCertificates(part, node, tls, dependencies);
  const groups = new NodeGroups(of, clock.now());
  const blocked = settings.XRAY_BLOCK_DELETED ? new BlockedUsers({ node, groups, store, clock, log }) : null;
  if (blocked !== null) tidyPeriodically(part, name, blocked, dependencies);
  const mirror =
    name === mirroredNode ? openConfigMirror(part, settings, { node: name, inboundTag, groups }, dependencies) : null;
  const users = new XrayNodeUsers({
    node,
    groups,
    vault,
    shortId: shortId ?? settings.REALITY_COMMON_SHORT_ID,
    blocked,
    mirror,
  });
  return { node, users, groups };
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

function tidyPeriodically(
  part: ServicePart,
  node: string,
  blocked: BlockedUsers,
  { log, onBlocked }: NodeDependencies,
): void {
  runLoop(part, `blocked users ${node}`, {
    everyMs: TIDY_EVERY_MS,
    jitter: 0.1,
    task: async () => {
      await blocked.tidy();
      onBlocked(node, blocked.size);
    },
    ...lastingFailure(log, "could not tidy the rules that block removed users", { node }),
  });
}
