import type { InboundVault } from "@veil/keys";
import type { Place } from "@veil/nodes";
import { lastingFailure, runLoop, type ServicePart } from "@veil/runtime";
import type { ConnectedXray, XrayNode } from "@veil/xray-grpc";
import { type ConfigMirrorDependencies, openConfigMirror } from "../config-file/open-config-mirror.ts";
import type { WorkerSettings } from "../settings.ts";
import { BlockedUsers } from "./blocked-users.ts";
import { NodeGroups, regroupedOf } from "./node-groups.ts";
import { XrayNodeUsers } from "./xray-node-users.ts";

export interface PlaceDependencies extends ConfigMirrorDependencies {
  readonly settings: WorkerSettings;
  readonly vault: Pick<InboundVault, "save" | "load">;
  /** Called every minute with how many removed users an inbound blocks. */
  readonly onBlocked: (place: string, users: number) => void;
}

/** An inbound that holds users. */
export interface ConnectedPlace {
  /** Its node by this inbound, under the place's name. */
  readonly node: XrayNode;
  readonly users: XrayNodeUsers;
  readonly groups: NodeGroups;
}

const TIDY_EVERY_MS = 60_000;

/**
 * Puts together what adds and removes users of one inbound, with what is to be done beside.
 *
 * @param part ends what is done when the inbound goes
 * @param xray its node, whose connection it shares
 */
export function connectPlace(
  part: ServicePart,
  place: Place,
  xray: ConnectedXray,
  dependencies: PlaceDependencies,
): ConnectedPlace {
  const { settings, store, vault, clock, log } = dependencies;
  const { name, of, inbound } = place;
  const node = name === of.name ? xray : xray.at(inbound.tag, name);
  const groups = new NodeGroups(regroupedOf(place), clock);
  const blocked = settings.XRAY_BLOCK_DELETED ? new BlockedUsers({ node, groups, store, clock, log }) : null;
  if (blocked !== null) tidyPeriodically(part, name, blocked, dependencies);
  const shortId = inbound.shortId ?? of.shortId ?? settings.REALITY_COMMON_SHORT_ID;
  const users = new XrayNodeUsers({
    node,
    inboundTag: inbound.tag,
    kind: inbound,
    groups,
    vault,
    shortId,
    blocked,
    mirror: openConfigMirror(part, settings, place, { groups, shortId }, dependencies),
  });
  return { node, users, groups };
}

function tidyPeriodically(
  part: ServicePart,
  node: string,
  blocked: BlockedUsers,
  { log, onBlocked }: PlaceDependencies,
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
