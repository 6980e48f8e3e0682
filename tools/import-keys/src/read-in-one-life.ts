import { randomUUID } from "node:crypto";
import type { Clock } from "@veil/runtime";
import { identifyLife, type Life, type NodeLivesStore } from "@veil/traffic";
import { XrayIndeterminateError, type XrayNode } from "@veil/xray-grpc";
import { NodeNotReadyError } from "./import-errors.ts";

/** Something read while a node's process was surely in one life. */
export interface ReadInLife<T> {
  readonly value: T;
  /** That life, as the collector's ledger calls it. */
  readonly life: Life;
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
  { lives, clock }: { readonly lives: NodeLivesStore; readonly clock: Pick<Clock, "now"> },
  read: () => Promise<T>,
): Promise<ReadInLife<T>> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const mark = await markOf(node);
    if (mark === null) continue;
    const uptime = await node.uptimeSeconds();
    const startedAt = Math.floor(clock.now() / 1000) - uptime;
    // The uptime is in whole seconds and so is this: when in between, the process counts as the younger one.
    const shown = { node: node.name, mark, startedBefore: async () => (startedAt + 1) * 1000 };
    const { life } = await identifyLife(lives, shown, () => clock.now());
    const value = await read();
    if ((await node.readProcessMark()) === mark) return { value, life, startedAt };
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
