import { keyProtocol, linkName, type LinkSettings } from "@veil/protocols";
import { type NodeSettings, nodeSettings } from "@veil/settings";
import { LinkNotConfiguredError } from "./errors.ts";
import type { KeyPlace } from "./ports.ts";
import type { ApiSettings } from "./settings.ts";

/**
 * Where clients find the nodes, from the settings, in the order of the nodes. Nodes with the same host (in any case), port and
 * Reality key are one place, as behind a load balancer. One after the first that has no host or no Reality key is no place; of
 * the first `connectionOf` then says what is missing.
 */
export function keyPlaces(settings: ApiSettings): readonly [KeyPlace, ...KeyPlace[]] {
  const [first, ...rest] = nodeSettings(settings);
  const others = isFound(first.link, settings) ? rest.filter(({ link }) => isFound(link, settings)) : [];
  const behind = new Map<string, NodeSettings[]>();
  for (const node of others) {
    const key = placeKey(node, settings);
    behind.set(key, [...(behind.get(key) ?? []), node]);
  }
  const ofFirst = isFound(first.link, settings) ? placeKey(first, settings) : "";
  const own = behind.get(ofFirst) ?? [];
  behind.delete(ofFirst);
  return [
    placeOf(first, own, settings, (name) => name),
    ...[...behind.values()].flatMap(([node, ...more]) =>
      node === undefined ? [] : [placeOf(node, more, settings, (name) => `${name} (${node.name})`)],
    ),
  ];
}

function placeOf(
  node: NodeSettings,
  more: readonly NodeSettings[],
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

function isFound(link: NodeSettings["link"], settings: ApiSettings): boolean {
  return (link.publicKey ?? settings.REALITY_PUBLIC_KEY) !== undefined && (link.host ?? settings.DOMAIN) !== undefined;
}

function placeKey(node: NodeSettings, settings: ApiSettings): string {
  const { host, port, publicKey } = linkSettings(node, settings);
  return JSON.stringify([host.toLowerCase(), port, publicKey]);
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
