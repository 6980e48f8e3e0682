import type { InboundVault, NodeSightings, NodeStates } from "@veil/keys";
import { type FleetStore, nodeOfPlace, placesOf } from "@veil/nodes";

export interface ForgottenPlacesPorts {
  readonly fleet: Pick<FleetStore, "read">;
  /** Of what nobody saw for a month nothing is there. */
  readonly sightings: Pick<NodeSightings, "list">;
  readonly inbounds: Pick<InboundVault, "names" | "remove">;
  readonly nodeStates: Pick<NodeStates, "names" | "find" | "remove">;
}

/**
 * Removes how inbounds were made, with their private keys, and what was reported of nodes, where these are gone and nobody saw them for a
 * month: names come and go, as with the pods of a cluster. Of a node that only a newer version can read everything stays, and so does
 * a change that is not logged yet.
 *
 * @returns how many were removed
 * @throws {StoreUnavailableError | UnreadableRecordError} when the store is away, or the fleet makes no sense
 */
export async function removeForgotten(ports: ForgottenPlacesPorts): Promise<number> {
  const { fleet, sightings, inbounds, nodeStates } = ports;
  // First: one that comes meanwhile must not look like one that is gone.
  const [made, reported] = [await inbounds.names(), await nodeStates.names()];
  const found = await fleet.read();
  if (found === null) return 0;
  const seen = await sightings.list();
  const known = new Set([...found.nodes.flatMap(placesOf).map(({ name }) => name), ...seen.keys()]);
  const unreadable = new Set(found.unreadable?.nodes);
  const isGone = (place: string) => !known.has(place) && !unreadable.has(nodeOfPlace(place));
  const over = made.filter(isGone);
  const logged = (await nodeStates.find(reported.filter(isGone))).filter(({ outbox }) => outbox.length === 0);
  if (over.length > 0) await inbounds.remove(over);
  if (logged.length > 0) await nodeStates.remove(logged.map(({ node }) => node));
  return over.length + logged.length;
}
