import { connectionLink } from "@veil/protocols";
import { NoNodeForKeyError } from "./errors.ts";
import { shownFigures } from "./shown-figures.ts";
import type { KeyPlacesOf, ShareLink, ShareLinksOf, TrafficReader } from "./ports.ts";
import type { ApiSettings } from "./settings.ts";

export interface ShareLinkPorts {
  readonly places: KeyPlacesOf;
  readonly traffic: Pick<TrafficReader, "find">;
  readonly clock: { now(): number };
}

/** Makes the share links of a key: one for each place where clients find a host. */
export function shareLinkMaker(
  { places, traffic, clock }: ShareLinkPorts,
  { LINK_FLOW_NONE }: Pick<ApiSettings, "LINK_FLOW_NONE">,
): ShareLinksOf {
  return async (key) => {
    const found = await places({ keyId: key.keyId, groups: key.terms.groups });
    if (found === null || found.length === 0) return [];
    const figures = found.some(({ tellsTraffic }) => tellsTraffic) ? await shownFigures(key.keyId, traffic) : null;
    const now = clock.now();
    return found.map(({ node, connectionOf }, index): ShareLink => {
      const connection = connectionOf(key, { isFirst: index === 0, traffic: figures, now });
      const { address: host, protocol, remark } = connection;
      return { host, node, protocol, remark, link: connectionLink(connection, LINK_FLOW_NONE) };
    });
  };
}

/** @throws {NoNodeForKeyError} when no host is meant for the key, or none of an active node */
export function firstLink(links: readonly ShareLink[]): string {
  const [first] = links;
  if (first === undefined) throw new NoNodeForKeyError();
  return first.link;
}
