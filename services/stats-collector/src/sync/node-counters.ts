import { type Bytes, type Direction, DIRECTIONS, keyEntity } from "@veil/traffic";
import type { Counter, XrayNode } from "@veil/xray-grpc";
import { keyIdOfEmail, userEmail } from "@veil/protocols";

/** The part of a node that marks the life of its process. */
export interface MarkedNode extends Pick<XrayNode, "name" | "readProcessMark" | "plantProcessMark" | "uptimeSeconds"> {
  /** `host:port` of its gRPC API. */
  readonly address: string;
}

/** A node whose counters are read. */
export interface MeteredNode extends MarkedNode, Pick<XrayNode, "queryCounters" | "readCounter"> {
  /** Its inbounds at this moment, whose own counters make the node's total. The first of them is the node's first. */
  readonly inboundTags: () => readonly [string, ...string[]];
  /** What bytes of its users count as at this moment: from 0 to 100, in steps of 0.1. Its own totals are not multiplied. */
  readonly multiplier: () => number;
}

/** Finds the counters of all users, and of nothing else but other inbounds' users. */
export const USER_COUNTERS = "user>>>";

const LINKS = { up: "uplink", down: "downlink" } as const satisfies Record<Direction, string>;
const TRAFFIC = ">>>traffic>>>";

/** The name of a key's counter on every node. */
export function keyCounter(keyId: number, direction: Direction): string {
  return `${USER_COUNTERS}${userEmail(keyId)}${TRAFFIC}${LINKS[direction]}`;
}

/** The name of an inbound's own counter. Xray has it only when its config asks for it. */
export function inboundCounter(tag: string, direction: Direction): string {
  return `inbound>>>${tag}${TRAFFIC}${LINKS[direction]}`;
}

/** The values of our users' counters by ledger entity. Other people's users and other kinds of counters are left out. */
export function keyReadings(counters: readonly Counter[]): Map<string, Partial<Bytes>> {
  const readings = new Map<string, { up?: number; down?: number }>();
  for (const { name, value } of counters) {
    const end = name.indexOf(TRAFFIC);
    if (end < 0 || !name.startsWith(USER_COUNTERS)) continue;
    const keyId = keyIdOfEmail(name.slice(USER_COUNTERS.length, end));
    const direction = directionOf(name.slice(end + TRAFFIC.length));
    if (keyId === null || direction === null) continue;
    const entity = keyEntity(keyId);
    const reading = readings.get(entity);
    if (reading === undefined) readings.set(entity, { [direction]: value });
    else reading[direction] = value;
  }
  return readings;
}

function directionOf(link: string): Direction | null {
  if (link === LINKS.up) return "up";
  return link === LINKS.down ? "down" : null;
}

/** Reads the counters of both directions. One that does not exist (yet) is left out. */
export async function readBoth(
  node: Pick<MeteredNode, "readCounter">,
  nameOf: (direction: Direction) => string,
): Promise<Partial<Bytes>> {
  const bytes: { up?: number; down?: number } = {};
  await Promise.all(
    DIRECTIONS.map(async (direction) => {
      const value = await node.readCounter(nameOf(direction));
      if (value !== null) bytes[direction] = value;
    }),
  );
  return bytes;
}
