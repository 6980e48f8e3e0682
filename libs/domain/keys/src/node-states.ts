import { StoreUnavailableError } from "./errors.ts";
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

/** Whether a node is down, as it has been reported. */
export interface NodeState {
  readonly node: string;
  /** Goes up with each change. */
  readonly revision: number;
  readonly isDown: boolean;
  /** Changes of which the event is not logged yet, the oldest first. */
  readonly outbox: readonly NodeChange[];
}

/** That a node went down, or is up again. */
export interface NodeChange {
  readonly id: string;
  readonly isDown: boolean;
  /** Unix seconds. */
  readonly at: number;
}

/** The reported states of nodes. Every method throws StoreUnavailableError while the store is away. */
export interface NodeStates {
  /** Of those of the nodes of which something was reported. */
  find(nodes: readonly string[]): Promise<NodeState[]>;
  /** Names of all nodes of which something was reported, also of those that are gone. */
  names(): Promise<string[]>;
  /** Puts a state in the place of an earlier one; of two of one revision, which say the same, either stands. */
  raise(state: NodeState): Promise<void>;
  /** Marks changes as logged. */
  mark(node: string, ids: readonly string[]): Promise<void>;
  /** Removes what was reported. */
  remove(nodes: readonly string[]): Promise<void>;
}

/**
 * Notes which nodes went down, or came back, since that was noted last. Several may do so at once.
 *
 * @param expect called before a change is stored; what it returns is called after
 * @param now milliseconds since the epoch
 * @throws {StoreUnavailableError}, or the first refusal of a change, once those of the other nodes are noted
 */
export async function noteNodeStates(
  nodes: readonly string[],
  { sightings, states }: { readonly sightings: Pick<NodeSightings, "list">; readonly states: NodeStates },
  expect: (node: string) => Promise<() => void>,
  now: number,
): Promise<void> {
  const [seen, found] = await Promise.all([sightings.list(), states.find(nodes)]);
  const known = new Map(found.map((state) => [state.node, state]));
  const changed = nodes.filter((node) => {
    const sighting = seen.get(node);
    return sighting !== undefined && isDown(sighting) !== (known.get(node) ?? UNREPORTED).isDown;
  });
  // Of one that has a state which makes no sense nothing is begun anew.
  const isNew = changed.some((node) => !known.has(node));
  const unreadable = new Set(isNew ? await states.names() : []);
  for (const node of known.keys()) unreadable.delete(node);
  const failures: unknown[] = [];
  for (const node of changed.filter((name) => !unreadable.has(name))) {
    const { revision, isDown: wasDown, outbox } = known.get(node) ?? { ...UNREPORTED, revision: revisionBefore(now) };
    const change = { id: `${node}-${revision + 1}`, isDown: !wasDown, at: Math.floor(now / 1_000) };
    const ready = await expect(node);
    try {
      await states.raise({ node, revision: revision + 1, isDown: !wasDown, outbox: [...outbox, change] });
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error;
      failures.push(error);
    }
    ready();
  }
  if (failures.length > 0) throw failures[0];
}

const UNREPORTED = { isDown: false, outbox: [] } as const;

const DAY_MS = 24 * 60 * 60 * 1_000;
const MOST_CHANGES_A_DAY = 1_000;

/**
 * Where the revisions of a node begin of which nothing is kept: above all that it ever had. What was reported is removed long after it
 * was gone, and no id of a change may come again.
 */
function revisionBefore(now: number): number {
  return Math.floor(now / DAY_MS) * MOST_CHANGES_A_DAY;
}
