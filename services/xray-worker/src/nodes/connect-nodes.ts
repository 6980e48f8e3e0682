import { CALL_DEADLINE_MS, type InboundVault } from "@veil/keys";
import { nodeSettings } from "@veil/settings";
import { lastingFailure, type RunningService, runLoop } from "@veil/runtime";
import { connectXrayNode, type XrayNode, type XrayNodeOptions } from "@veil/xray-grpc";
import { BlockedUsers } from "./blocked-users.ts";
import { type ConfigMirrorDependencies, openConfigMirror } from "../config-file/open-config-mirror.ts";
import type { WorkerSettings } from "../settings.ts";
import { XrayNodeUsers } from "./xray-node-users.ts";

export interface NodeDependencies extends ConfigMirrorDependencies {
  readonly vault: InboundVault;
  /** Called every minute with how many removed users a node blocks. */
  readonly onBlocked: (node: string, users: number) => void;
  /** Called after every call to a node. */
  readonly callsOf: (node: string) => NonNullable<XrayNodeOptions["onCall"]>;
  /** Called when a node begins or ceases to answer. */
  readonly onReachableChange: (node: string, reachable: boolean) => void;
}

export interface ConnectedNode {
  readonly node: XrayNode;
  readonly users: XrayNodeUsers;
}

const TIDY_EVERY_MS = 60_000;

/** Connects every node of the settings, each with what is to be done beside adding and removing users. */
export function connectNodes(
  running: RunningService,
  settings: WorkerSettings,
  dependencies: NodeDependencies,
): ConnectedNode[] {
  const { store, vault, clock, log, onReachableChange } = dependencies;
  const all = nodeSettings(settings);
  const mirrored = settings.XRAY_CONFIG_NODE ?? all[0]?.name;
  return all.map(({ name, address, inboundTag }) => {
    const node = connectXrayNode({
      name,
      address,
      inboundTag,
      callTimeoutMs: CALL_DEADLINE_MS,
      onCall: dependencies.callsOf(name),
      onReachableChange: (reachable) => onReachableChange(name, reachable),
    });
    running.onStop("connections", `node ${name}`, () => node.close());
    const blocked = settings.XRAY_BLOCK_DELETED ? new BlockedUsers({ node, store, clock, log }) : null;
    if (blocked !== null) tidyPeriodically(running, name, blocked, dependencies);
    const mirror =
      name === mirrored ? openConfigMirror(running, settings, { node: name, inboundTag }, dependencies) : null;
    const users = new XrayNodeUsers({ node, vault, shortId: settings.REALITY_COMMON_SHORT_ID, blocked, mirror });
    return { node, users };
  });
}

function tidyPeriodically(
  running: RunningService,
  node: string,
  blocked: BlockedUsers,
  { log, onBlocked }: NodeDependencies,
): void {
  runLoop(running, `blocked users ${node}`, {
    everyMs: TIDY_EVERY_MS,
    jitter: 0.1,
    task: async () => {
      await blocked.tidy();
      onBlocked(node, blocked.size);
    },
    ...lastingFailure(log, "could not tidy the rules that block removed users", { node }),
  });
}
