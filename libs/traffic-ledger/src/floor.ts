import type { Bytes, Direction } from "./bytes.ts";
import type { EntryId } from "./entry-id.ts";

/** Where one counter stood: the generation, and its value in it. */
export interface Standing {
  readonly generation: number;
  readonly value: number;
}

/** A point in the history of one node's two counters. What lies before it is history, what lies after it counts. */
export interface NodeFloor {
  readonly epoch: number;
  readonly up: Standing;
  readonly down: Standing;
}

/** A point in the history of every node, by node name. A node without one counts from its beginning. */
export type Floor = Readonly<Record<string, NodeFloor>>;

/** What one entry is worth in one direction. */
export interface EntryValue extends EntryId {
  readonly direction: Direction;
  readonly value: number;
}

/** The bytes of one entry that lie after the floor. */
export function bytesBeyond(floor: Floor, entry: EntryValue): number {
  const nodeFloor = floor[entry.node];
  if (nodeFloor === undefined || entry.epoch > nodeFloor.epoch) return entry.value;
  if (entry.epoch < nodeFloor.epoch) return 0;
  const stood = nodeFloor[entry.direction];
  if (entry.generation > stood.generation) return entry.value;
  if (entry.generation < stood.generation) return 0;
  return Math.max(0, entry.value - stood.value);
}

/** The bytes of all entries that lie after the floor. */
export function totalBeyond(floor: Floor, entries: readonly EntryValue[]): Bytes {
  const total = { up: 0, down: 0 };
  for (const entry of entries) total[entry.direction] += bytesBeyond(floor, entry);
  return total;
}
