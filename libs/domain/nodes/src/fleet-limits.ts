import type { Fleet, FleetNode, FleetUpdate } from "./fleet.ts";
import type { FleetHost } from "./hosts.ts";

/** Most nodes, whether callers, the environment or discovery named them; callers and discovery add none beyond. */
export const MOST_NODES = 1_000;

/**
 * Bytes of all nodes and hosts as JSON. They are stored in one document, which MongoDB takes up to 16 MiB, and in which a list of
 * short texts is two and a half times as long.
 */
const LARGEST_FLEET = 5 * 1_024 * 1_024;

/** Why a caller can't have what takes more room than there is for all nodes and hosts. */
export const FLEET_TOO_LARGE =
  `all nodes and hosts together would take more than ${LARGEST_FLEET / 1_024 / 1_024} MiB: ` +
  "give them fewer groups and inbounds, or shorter texts";

/** Whether a fleet has room for what becomes of it: what makes it no larger always has. */
export function hasRoomFor(fleet: Fleet, { nodes = fleet.nodes, hosts = fleet.hosts }: FleetUpdate): boolean {
  const size = sizeOf({ nodes, hosts });
  return size <= LARGEST_FLEET || size <= sizeOf(fleet);
}

/** Of nodes and hosts, which nobody changes: a change of one among a thousand makes no new ones of the others. */
const sizes = new WeakMap<FleetNode | FleetHost, number>();

/** Bytes of `[nodes, hosts]` as JSON. */
function sizeOf({ nodes, hosts }: Pick<Fleet, "nodes" | "hosts">): number {
  return sizeOfList(nodes) + sizeOfList(hosts) + "[,]".length;
}

function sizeOfList(parts: readonly (FleetNode | FleetHost)[]): number {
  const commas = Math.max(parts.length - 1, 0);
  return parts.reduce((sum, part) => sum + sizeOfPart(part), "[]".length + commas);
}

function sizeOfPart(part: FleetNode | FleetHost): number {
  const known = sizes.get(part);
  if (known !== undefined) return known;
  const size = new TextEncoder().encode(JSON.stringify(part)).length;
  sizes.set(part, size);
  return size;
}
