import { randomUUID } from "node:crypto";
import { addMark, epochOf, type NodeLivesStore } from "@veil/traffic";
import { XrayIndeterminateError, type XrayNode } from "@veil/xray-grpc";
import { NodeNotReadyError } from "./import-errors.ts";

/** What was read while a node's process was surely in one life. */
export interface ReadInLife<T> {
  readonly value: T;
  /** The epoch of that life, as the collector numbers them. */
  readonly epoch: number;
  /** When the process started, to the second. Unix seconds. */
  readonly startedAt: number;
}

type Node = Pick<XrayNode, "name" | "readProcessMark" | "plantProcessMark" | "uptimeSeconds">;

const ATTEMPTS = 5;

/**
 * Reads something between two looks at the process mark: the same mark on both sides dates it. A life that nobody has
 * numbered yet is numbered here, in the way of the collector.
 *
 * @throws {NodeNotReadyError} when the process ends again and again
 * @throws {XrayError | StoreUnavailableError}
 */
export async function readInOneLife<T>(
  node: Node,
  lives: NodeLivesStore,
  read: (epoch: number) => Promise<T>,
): Promise<ReadInLife<T>> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const mark = await markOf(node);
    if (mark === null) continue;
    const uptime = await node.uptimeSeconds();
    const startedAt = Math.floor(Date.now() / 1000) - uptime;
    const epoch = await numberOf(node.name, mark, startedAt, lives);
    const value = await read(epoch);
    if ((await node.readProcessMark()) === mark) return { value, epoch, startedAt };
  }
  throw new NodeNotReadyError(node.name, "its process kept ending while it was read");
}

async function markOf(node: Node): Promise<string | null> {
  const mark = await node.readProcessMark();
  if (mark !== null) return mark;
  try {
    await node.plantProcessMark(randomUUID());
  } catch (error) {
    if (!(error instanceof XrayIndeterminateError)) throw error;
  }
  return node.readProcessMark();
}

async function numberOf(node: string, mark: string, startedAt: number, lives: NodeLivesStore): Promise<number> {
  while (true) {
    const known = await lives.find(node);
    const epoch = epochOf(known, mark);
    if (epoch !== undefined) return epoch;
    // The uptime is in whole seconds and so is this: when in between, the process counts as the younger one.
    const added = addMark(known, node, mark, (startedAt + 1) * 1000, Date.now());
    if (await lives.replace(known, added)) return epochOf(added, mark) ?? 0;
  }
}
