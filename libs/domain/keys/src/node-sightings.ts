/**
 * When keys last worked on a node, for all that the workers saw, and when one last found that they had not for
 * {@link FAILING_FOR_MS}, because the node did not answer or had lost its users. Milliseconds since the epoch; null for never.
 */
export interface NodeSighting {
  readonly seenAt: number | null;
  readonly failedAt: number | null;
}

/**
 * What the workers know of the nodes, for whoever asks no node itself. Every method throws StoreUnavailableError while the store
 * is away.
 */
export interface NodeSightings {
  /**
   * Notes what came later than what is there, by the node's name; of several workers the latest word stands. What is there and
   * dated in the future, by a clock that was set back since, counts as of now.
   *
   * @param now milliseconds since the epoch
   */
  note(sightings: ReadonlyMap<string, NodeSighting>, now: number): Promise<void>;
  list(): Promise<ReadonlyMap<string, NodeSighting>>;
}

/** How often a worker notes what it sees. */
export const NOTE_SIGHTINGS_EVERY_MS = 2_000;
/**
 * More than two notes of another worker that reaches the node, and more than a restart of Xray takes. A worker notes no failure
 * before it has seen nothing else for so long: right after its start a single health probe that fails would otherwise count
 * from what a worker that has gone saw last.
 */
export const FAILING_FOR_MS = 5_000;

/**
 * Whether a node counts as down: of no use for a while to every worker that tried. When the workers are away, what they said last
 * holds on.
 */
export function isDown({ seenAt, failedAt }: NodeSighting): boolean {
  return failedAt !== null && failedAt - (seenAt ?? 0) > FAILING_FOR_MS;
}
