import type { FollowedFleet } from "@veil/backing-services";
import { type DownNodes, groupsMeet } from "@veil/keys";
import { type Fleet, type FleetNode, linkedPlaces } from "@veil/nodes";
import { keyProtocol, linkName, type LinkSettings } from "@veil/protocols";
import { LinkNotConfiguredError } from "./errors.ts";
import type { KeyPlace, PlacesOf } from "./ports.ts";
import type { ApiSettings } from "./settings.ts";

/** Where clients find the nodes of a key's groups at each moment, worked out when that may have changed; see {@link keyPlaces}. */
export function currentPlaces(
  settings: ApiSettings,
  fleet: Pick<FollowedFleet, "current">,
  down: Pick<DownNodes, "test">,
): PlacesOf {
  let last: {
    readonly isDown: (node: string) => boolean;
    readonly fleet: Fleet;
    /** By the names of the nodes: keys of many groups share few lists of them. */
    readonly places: Map<string, readonly KeyPlace[]>;
  } | null = null;
  return async (groups) => {
    const isDown = await down.test();
    const now = fleet.current();
    if (last?.isDown !== isDown || last.fleet !== now) last = { isDown, fleet: now, places: new Map() };
    const nodes = groups === null ? now.nodes : now.nodes.filter((node) => groupsMeet(groups, node.groups));
    const names = nodes.map(({ name }) => name).join(" ");
    const places = last.places.get(names) ?? keyPlaces(settings, nodes, isDown);
    last.places.set(names, places);
    return places;
  };
}

/**
 * Where clients find the active nodes, those that answer first, otherwise in the order of the nodes. Nodes with the same host
 * (in any case), port and Reality key are one place, as behind a load balancer. One that has no host or no Reality key is no
 * place; when none has, `connectionOf` of the first one says what is missing.
 */
export function keyPlaces(
  settings: ApiSettings,
  nodes: readonly FleetNode[],
  isDown: (node: string) => boolean,
): readonly KeyPlace[] {
  const found = linkedPlaces(nodes, (node) => (isFound(node, settings) ? placeKey(node, settings) : null), isDown);
  const places = found.length > 0 ? found : linkedPlaces(nodes, ({ name }) => name, isDown).slice(0, 1);
  return places.map(([node, ...more], index) =>
    placeOf(node, more, settings, (name) => (index === 0 ? name : `${name} (${node.name})`)),
  );
}

function placeOf(
  node: FleetNode,
  more: readonly FleetNode[],
  settings: ApiSettings,
  remarkOf: (name: string) => string,
): KeyPlace {
  return {
    node: node.name,
    nodes: [node, ...more].map(({ name }) => name),
    connectionOf: ({ keyId, uuid, name, flow }) =>
      keyProtocol.connectionOf(
        { uuid, flow, remark: remarkOf(linkName({ id: keyId, name })) },
        linkSettings(node, settings),
      ),
  };
}

function isFound({ publicKey, host }: FleetNode, settings: ApiSettings): boolean {
  return (publicKey ?? settings.REALITY_PUBLIC_KEY) !== undefined && (host ?? settings.DOMAIN) !== undefined;
}

function placeKey(node: FleetNode, settings: ApiSettings): string {
  const { host, port, publicKey, shortId, sni } = linkSettings(node, settings);
  return JSON.stringify([host.toLowerCase(), port, publicKey, shortId, sni]);
}

/** @throws {LinkNotConfiguredError} when the settings name no Reality key, or no host. */
function linkSettings(node: FleetNode, settings: ApiSettings): LinkSettings {
  const publicKey = node.publicKey ?? settings.REALITY_PUBLIC_KEY;
  const host = node.host ?? settings.DOMAIN;
  if (publicKey === undefined) throw new LinkNotConfiguredError("Reality public key");
  if (host === undefined) throw new LinkNotConfiguredError("server domain");
  return {
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port: node.port ?? settings.REALITY_PORT,
    sni: node.sni ?? settings.REALITY_SNI ?? settings.REALITY_SERVER_NAME,
    fingerprint: settings.REALITY_FINGERPRINT,
    publicKey,
    shortId: node.shortId ?? settings.REALITY_COMMON_SHORT_ID,
    noFlow: settings.LINK_FLOW_NONE,
  };
}
