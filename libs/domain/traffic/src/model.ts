import { type Multiplied, multipliedBeyond } from "./multiplied.ts";

/** The two ways bytes go: `up` is client to server (Xray's uplink), `down` is server to client. */
export type Direction = "up" | "down";

/** Both directions, for code that treats them alike. */
export const DIRECTIONS = ["up", "down"] as const satisfies readonly Direction[];

/** A number of bytes in each direction, whole and never negative. */
export interface Bytes {
  readonly up: number;
  readonly down: number;
}

/** No bytes in either direction. */
export const NO_BYTES: Bytes = { up: 0, down: 0 };

/** Builds a pair by asking for each direction once. */
export function eachDirection(bytesOf: (direction: Direction) => number): Bytes {
  return { up: bytesOf("up"), down: bytesOf("down") };
}

const NODE_PREFIX = "node/";

/** The metered entity of one key: its id in decimal digits. */
export function keyEntity(keyId: number): string {
  return String(keyId);
}

/** The metered entity of a node's own inbounds, whose bytes outlive the keys that moved them. */
export function nodeEntity(node: string): string {
  return NODE_PREFIX + node;
}

/** Whether an entity is a node's, not a key's. */
export function isNodeEntity(entity: string): boolean {
  return entity.startsWith(NODE_PREFIX);
}

/**
 * Names one counter's run of growth: a node, an epoch of it (one life of its Xray process) and the generation within that
 * epoch (it goes up by a counter reset: somebody else sets a counter to zero although the process lives on).
 */
export interface EntryId {
  readonly node: string;
  readonly epoch: number;
  readonly generation: number;
}

/** The name an entry has in a stored record: `<node>:<epoch>:<generation>`, without the dots and dollars MongoDB minds. */
export function formatEntryId(id: EntryId): string {
  return `${id.node}:${id.epoch}:${id.generation}`;
}

/**
 * Reads a name made by {@link formatEntryId}.
 * @throws {MalformedEntryIdError} when it is none
 */
export function parseEntryId(text: string): EntryId {
  const id = entryIdOf(text);
  if (id === null) throw new MalformedEntryIdError(text);
  return id;
}

/** Whether a name is one that {@link formatEntryId} makes. A record with another one makes no sense. */
export function isEntryId(text: string): boolean {
  return entryIdOf(text) !== null;
}

function entryIdOf(text: string): EntryId | null {
  const [node, epoch, generation, ...rest] = text.split(":");
  const id = { node: node ?? "", epoch: Number(epoch), generation: Number(generation) };
  return id.node === "" || !isCount(id.epoch) || !isCount(id.generation) || rest.length > 0 ? null : id;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Thrown when a stored record holds an entry whose name this package did not write. */
export class MalformedEntryIdError extends Error {
  override readonly name = "MalformedEntryIdError";
  readonly entryId: string;

  constructor(entryId: string) {
    super(`not a ledger entry: ${JSON.stringify(entryId)}`);
    this.entryId = entryId;
  }
}

/** What one counter held: its generation, and its value in it. */
export interface CounterState {
  readonly generation: number;
  readonly value: number;
}

/** A point in the history of one node's two counters. What lies before it is history, what lies after it counts. */
export interface NodeBaseline {
  readonly epoch: number;
  readonly up: CounterState;
  readonly down: CounterState;
}

/** A point in the history of every node, by node name. A node without one counts from its beginning. */
export type Baseline = Readonly<Record<string, NodeBaseline>>;

/** What one entry has come to in one direction. */
export interface EntryValue extends EntryId {
  readonly direction: Direction;
  /** As the counter had it. */
  readonly value: number;
  /** Left out where each byte of the entry counts as one. */
  readonly multiplied?: Multiplied;
}

/** The bytes of one entry that lie after the baseline. */
function bytesBeyond(baseline: Baseline, entry: EntryValue): number {
  const nodeBaseline = baseline[entry.node];
  if (nodeBaseline === undefined || entry.epoch > nodeBaseline.epoch) return entry.value;
  if (entry.epoch < nodeBaseline.epoch) return 0;
  const base = nodeBaseline[entry.direction];
  if (entry.generation > base.generation) return entry.value;
  if (entry.generation < base.generation) return 0;
  return Math.max(0, entry.value - base.value);
}

/** The bytes of all entries that lie after the baseline. */
export function totalBeyond(baseline: Baseline, entries: readonly EntryValue[]): Bytes {
  const total = { up: 0, down: 0 };
  const multiplied: EntryValue[] = [];
  for (const entry of entries) {
    if (entry.multiplied !== undefined) multiplied.push(entry);
    else total[entry.direction] += bytesBeyond(baseline, entry);
  }
  for (const { direction, bytes } of multipliedBeyond(baseline, multiplied)) total[direction] += bytes;
  return total;
}
