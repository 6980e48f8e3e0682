import {
  type Bytes,
  type FoundRecord,
  keyEntity,
  knownOf,
  type LedgerUpdate,
  type Observation,
  observe,
  type TrafficStore,
  updateOf,
} from "@veil/traffic";
import { DuplicateNodeError } from "../sync/duplicate-nodes.ts";
import { keyCounter, type MeteredNode, readBoth } from "../sync/node-counters.ts";
import type { Dated, NodeEpochs } from "../sync/node-epochs.ts";

export interface ReadKeysOptions {
  /** The nodes that there are at each moment. */
  readonly nodes: () => readonly MeteredNode[];
  readonly epochs: NodeEpochs;
  readonly records: Pick<TrafficStore, "findMany">;
}

/** A node that could not be read, and why. */
export interface UnreadNode {
  readonly node: string;
  readonly error: unknown;
}

/** Some keys as all nodes have them. */
export interface KeysReading {
  /** The lives that were read: the epoch of each by its node, in the ledger's names. */
  readonly epochs: ReadonlyMap<string, number>;
  readonly unread: readonly UnreadNode[];
  readonly keys: readonly KeyReading[];
}

export interface KeyReading {
  readonly keyId: number;
  readonly entity: string;
  /** The record as it was before the counters were read. */
  readonly before: FoundRecord | null;
  /** None where the record makes no sense: there is nothing to compare with. */
  readonly observations: readonly (Observation | null)[];
}

type Counted = Dated<readonly Partial<Bytes>[]> & { readonly multiplier: number };

/**
 * Reads the counters of some keys from all nodes at once, after asking the ledger. A node that can't be read keeps nobody
 * waiting beyond its calls' own deadlines.
 *
 * @throws {StoreUnavailableError} when the store is away
 */
export async function readKeys(keyIds: readonly number[], options: ReadKeysOptions): Promise<KeysReading> {
  const { nodes, epochs, records } = options;
  const found = await records.findMany(keyIds.map(keyEntity));
  const outcomes = await Promise.all(nodes().map((node) => readFrom(node, keyIds, epochs)));
  const counted = outcomes.flatMap((outcome) => ("error" in outcome ? [] : [outcome]));
  const unread = outcomes.flatMap((outcome) =>
    "error" in outcome && !(outcome.error instanceof DuplicateNodeError) ? [outcome] : [],
  );
  return {
    epochs: new Map(counted.map(({ life }) => [life.node, life.epoch])),
    unread,
    keys: keyIds.map((keyId, index) => {
      const entity = keyEntity(keyId);
      const before = found.get(entity) ?? null;
      return { keyId, entity, before, observations: observationsOf(before, counted, index) };
    }),
  };
}

/** The write that stores what was read of a key. */
export function updateOfKey({ entity, observations }: KeyReading, readAt: number): LedgerUpdate {
  return updateOf(entity, observations, readAt);
}

async function readFrom(
  node: MeteredNode,
  keyIds: readonly number[],
  epochs: NodeEpochs,
): Promise<UnreadNode | Counted> {
  try {
    const dated = await epochs.date(node, () =>
      Promise.all(keyIds.map((keyId) => readBoth(node, (direction) => keyCounter(keyId, direction)))),
    );
    return { ...dated, multiplier: node.multiplier() };
  } catch (error) {
    return { node: node.name, error };
  }
}

function observationsOf(
  before: FoundRecord | null,
  counted: readonly Counted[],
  index: number,
): (Observation | null)[] {
  if (before === "unreadable") return [];
  return counted.map(({ life, value, multiplier }) =>
    observe(knownOf(before, life.node, life.epoch), { ...life, ...value[index] }, multiplier),
  );
}
