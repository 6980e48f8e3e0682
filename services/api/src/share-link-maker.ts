import { type NodeSettings, nodeSettings } from "@veil/settings";
import { keyProtocol, type LinkSettings, linkName } from "@veil/protocols";
import { LinkNotConfiguredError } from "./errors.ts";
import type { ShareLink, ShareLinksOf } from "./ports.ts";
import type { ApiSettings } from "./settings.ts";

/**
 * Makes the share links of a key from the settings: one for each place where clients find a node, in the order of the nodes.
 * Nodes with the same host (in any case), port and Reality key are one place, as behind a load balancer. One after the first
 * that has no host or no Reality key is no place.
 */
export function shareLinkMaker(settings: ApiSettings): ShareLinksOf {
  const [first, ...rest] = nodeSettings(settings);
  const others = rest.filter(({ link }) => isFound(link, settings));
  const places = isFound(first.link, settings) ? apart(first, others, settings) : [];
  return ({ keyId, uuid, name, flow }) => {
    const called = linkName({ id: keyId, name });
    const linkTo = (node: NodeSettings, remark: string): ShareLink => {
      const link = linkSettings(node, settings);
      const share = keyProtocol.shareLink({ uuid, flow, remark }, link);
      return { host: link.host, node: node.name, protocol: keyProtocol.name, remark, link: share };
    };
    return [linkTo(first, called), ...places.map((node) => linkTo(node, `${called} (${node.name})`))];
  };
}

function isFound(link: NodeSettings["link"], settings: ApiSettings): boolean {
  return (link.publicKey ?? settings.REALITY_PUBLIC_KEY) !== undefined && (link.host ?? settings.DOMAIN) !== undefined;
}

/** Those of the nodes that clients find elsewhere than the ones before. */
function apart(first: NodeSettings, others: readonly NodeSettings[], settings: ApiSettings): NodeSettings[] {
  const placeOf = (node: NodeSettings) => {
    const { host, port, publicKey } = linkSettings(node, settings);
    return JSON.stringify([host.toLowerCase(), port, publicKey]);
  };
  const seen = new Set([placeOf(first)]);
  return others.filter((node) => {
    const place = placeOf(node);
    return seen.has(place) ? false : seen.add(place);
  });
}

/** @throws {LinkNotConfiguredError} when the settings name no Reality key, or no host. */
function linkSettings({ link }: NodeSettings, settings: ApiSettings): LinkSettings {
  const publicKey = link.publicKey ?? settings.REALITY_PUBLIC_KEY;
  const host = link.host ?? settings.DOMAIN;
  if (publicKey === undefined) throw new LinkNotConfiguredError("Reality public key");
  if (host === undefined) throw new LinkNotConfiguredError("server domain");
  return {
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port: link.port ?? settings.REALITY_PORT,
    sni: settings.REALITY_SNI ?? settings.REALITY_SERVER_NAME,
    fingerprint: settings.REALITY_FINGERPRINT,
    publicKey,
    shortId: settings.REALITY_COMMON_SHORT_ID,
    noFlow: settings.LINK_FLOW_NONE,
  };
}
