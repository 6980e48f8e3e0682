import { FAILING_FOR_MS } from "./timing.ts";

/**
 * When keys last worked on a node, for all that the workers saw, and when one last found that they had not for
 * {@link FAILING_FOR_MS}, because the node did not answer or had lost its users. Milliseconds since the epoch; null for never.
 */
export interface NodeSighting {
  readonly seenAt: number | null;
  readonly failedAt: number | null;
}

/**
 * The workers' knowledge of the nodes, for processes that ask no node themselves. Every method throws
 * StoreUnavailableError while the store is away.
 */
export interface NodeSightings {
  /**
   * Notes moments that are later than those that are there, by the node's name; of several workers the latest word stands. A
   * stored moment in the future, from a clock that was set back since, counts as now.
   *
   * @param now milliseconds since the epoch
   */
  note(sightings: ReadonlyMap<string, NodeSighting>, now: number): Promise<void>;
  list(): Promise<ReadonlyMap<string, NodeSighting>>;
}

/**
 * Whether a node counts as down: of no use for a while to every worker that tried. When the workers are away, what they said last
 * holds on.
 */
export function isDown({ seenAt, failedAt }: NodeSighting): boolean {
  return failedAt !== null && failedAt - (seenAt ?? 0) > FAILING_FOR_MS;
}
