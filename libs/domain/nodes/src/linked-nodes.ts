import type { FleetNode, NodeLink } from "./fleet.ts";

/**
 * The places that links lead to, each with its nodes: the active ones, those that share a place together, as behind a load
 * balancer. Places where a node answers come first, otherwise they are in the nodes' order.
 *
 * @param placeOf where clients find a node; null when it has no place
 */
export function linkedPlaces<Node extends Pick<FleetNode, "name" | "state">>(
  nodes: readonly Node[],
  placeOf: (node: Node) => string | null,
  isDown: (node: string) => boolean,
): readonly (readonly [Node, ...Node[]])[] {
  const places = new Map<string, [Node, ...Node[]]>();
  for (const node of nodes) {
    const place = node.state === "active" ? placeOf(node) : null;
    if (place === null) continue;
    const found = places.get(place);
    if (found === undefined) places.set(place, [node]);
    else found.push(node);
  }
  const all = [...places.values()];
  const isUp = (place: readonly Node[]) => place.some(({ name }) => !isDown(name));
  return [...all.filter(isUp), ...all.filter((place) => !isUp(place))];
}

/** Names of the nodes that a key's first link leads to, for whoever does not know the installation's own host and key. */
export function firstLinked(nodes: readonly FleetNode[], isDown: (node: string) => boolean): string[] {
  const [first] = linkedPlaces(nodes, placeKey, isDown);
  return (first ?? []).map(({ name }) => name);
}

/** The same for nodes that clients find at the same place. One that spells out what others leave to the settings is elsewhere. */
function placeKey({ host, port, publicKey, shortId, sni }: NodeLink): string {
  return JSON.stringify([host?.toLowerCase(), port, publicKey, shortId, sni]);
}
