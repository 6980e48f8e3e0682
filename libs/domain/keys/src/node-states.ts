import { isDown, type NodeSightings } from "./node-sightings.ts";

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
}

/**
 * Notes which nodes went down, or came back, since that was noted last. Several may do so at once.
 *
 * @param expect called before a change is stored; what it returns is called after
 * @param now milliseconds since the epoch
 */
export async function noteNodeStates(
  nodes: readonly string[],
  { sightings, states }: { readonly sightings: Pick<NodeSightings, "list">; readonly states: NodeStates },
  expect: (node: string) => Promise<() => void>,
  now: number,
): Promise<void> {
  const [seen, known] = await Promise.all([sightings.list(), states.find(nodes)]);
  for (const node of nodes) {
    const sighting = seen.get(node);
    const { revision, isDown: wasDown, outbox } = known.find((state) => state.node === node) ?? UNREPORTED;
    if (sighting === undefined || isDown(sighting) === wasDown) continue;
    const change = { id: `${node}-${revision + 1}`, isDown: !wasDown, at: Math.floor(now / 1_000) };
    const ready = await expect(node);
    await states.raise({ node, revision: revision + 1, isDown: !wasDown, outbox: [...outbox, change] });
    ready();
  }
}

const UNREPORTED = { revision: 0, isDown: false, outbox: [] } as const;
