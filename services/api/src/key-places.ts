import type { FollowedFleet } from "@veil/backing-services";
import { type DownNodes, groupsMeet } from "@veil/keys";
import {
  type Fleet,
  hostLink,
  type LinkedHost,
  type LinkedKeyFacts,
  type LinkedPlace,
  LinkedPlaces,
  placeholdersOf,
  placeKey,
} from "@veil/nodes";
import { hasReality, type LinkSettings, protocolNamed, transportOf } from "@veil/protocols";
import { LinkNotConfiguredError } from "./errors.ts";
import { hostRemark, tellsTraffic } from "./host-remarks.ts";
import type { KeyPlace, KeyPlacesOf } from "./ports.ts";
import type { ApiSettings } from "./settings.ts";

/** Where each key's links lead at each moment, worked out when that may have changed; see {@link keyPlaces}. */
export function currentPlaces(
  settings: ApiSettings,
  fleet: Pick<FollowedFleet, "current">,
  down: Pick<DownNodes, "test">,
): KeyPlacesOf {
  let last: {
    readonly isDown: (place: string) => boolean;
    readonly fleet: Fleet;
    readonly of: ReturnType<typeof keyPlaces>;
  } | null = null;
  return async (key) => {
    const isDown = await down.test();
    const now = fleet.current();
    if (last?.isDown !== isDown || last.fleet !== now) {
      last = { isDown, fleet: now, of: keyPlaces(settings, now, isDown) };
    }
    return last.of(key);
  };
}

/**
 * Where a key's links lead: to the hosts of active nodes that are meant for its groups, those that answer first. Hosts with the
 * same address (in any case), port, Reality key and name are one place, as behind a load balancer. One that has no address or no
 * Reality key is no place; when none has, `connectionOf` of the first one says what is missing.
 *
 * @returns null for a key that no host is meant for
 */
export function keyPlaces(
  settings: ApiSettings,
  fleet: Pick<Fleet, "nodes" | "hosts">,
  isDown: (place: string) => boolean,
): (key: LinkedKeyFacts) => readonly KeyPlace[] | null {
  const linked = (where: (host: LinkedHost) => string | null) =>
    new LinkedPlaces(fleet, { meets: groupsMeet, placeOf: where, isDown });
  const complete = linked((host) => (isComplete(host, settings) ? placeKey(host, linkSettings(host, settings)) : null));
  const all = linked(({ id }) => id);
  const known = new WeakMap<LinkedPlace, KeyPlace>();
  const shown = (place: LinkedPlace): KeyPlace => {
    const made = known.get(place) ?? placeOf(place, settings);
    known.set(place, made);
    return made;
  };
  return (key) => {
    const found = complete.of(key);
    const places = found.length > 0 ? found : all.of(key).slice(0, 1);
    return places.length > 0 || all.hasHostFor(key.groups) ? places.map(shown) : null;
  };
}

function placeOf({ hosts: [host, ...more] }: LinkedPlace, settings: ApiSettings): KeyPlace {
  let link: LinkSettings | null = null;
  return {
    node: host.node,
    inbounds: [...new Set([host, ...more].map(({ at }) => at.name))],
    tellsTraffic: placeholdersOf(host.remark ?? "").some(tellsTraffic),
    connectionOf: (key, moment) => {
      link ??= linkSettings(host, settings);
      const remark = hostRemark({ ...host, address: link.host }, key, moment, settings);
      return protocolNamed(host.at.inbound.protocol).connectionOf({ uuid: key.uuid, flow: key.flow, remark }, link);
    },
  };
}

function isComplete(host: LinkedHost, settings: ApiSettings): boolean {
  const { publicKey, host: address } = shownLink(host, settings);
  return (!hasReality(host.at.inbound) || publicKey !== undefined) && address !== undefined;
}

/** What links to a host say: of itself, of its inbound, its node or the installation. */
export function shownLink(of: LinkedHost, settings: ApiSettings) {
  const { host, port, publicKey, shortId, sni } = hostLink(of);
  return {
    host: host ?? settings.DOMAIN,
    port: port ?? settings.REALITY_PORT,
    publicKey: publicKey ?? settings.REALITY_PUBLIC_KEY,
    shortId: shortId ?? settings.REALITY_COMMON_SHORT_ID,
    sni: sni ?? settings.REALITY_SNI ?? settings.REALITY_SERVER_NAME,
  };
}

/** @throws {LinkNotConfiguredError} when the settings name no Reality key, or no host. */
function linkSettings(of: LinkedHost, settings: ApiSettings): LinkSettings {
  const { host, port, publicKey, shortId, sni } = shownLink(of, settings);
  const { inbound } = of.at;
  if (publicKey === undefined && hasReality(inbound)) throw new LinkNotConfiguredError("Reality public key");
  if (host === undefined) throw new LinkNotConfiguredError("server domain");
  return {
    host: host.replace(/^\[(.*)\]$/, "$1"),
    ...{ port, sni, shortId },
    fingerprint: of.fingerprint ?? settings.REALITY_FINGERPRINT,
    ...(of.alpn !== null && { alpn: of.alpn }),
    publicKey: publicKey ?? "",
    transport: transportOf(inbound, of.path),
    serverKey: inbound.serverKey,
    encryption: inbound.encryption,
    noFlow: settings.LINK_FLOW_NONE,
  };
}
