import {
  carriedElsewhere,
  isSameLife,
  type Life,
  lifeOf,
  nodeEntity,
  type NodeLivesStore,
  type TrafficStore,
} from "@veil/traffic";

export interface CarryTotalPorts {
  readonly records: Pick<TrafficStore, "find" | "write" | "replace">;
  readonly lives: Pick<NodeLivesStore, "list">;
}

/** A record that a newer version works on is never replaced; its total may then hold those bytes as well. */
const ATTEMPTS = 5;

/**
 * Leaves out of a node's total what the life that it shows has carried under other nodes' names: that stays in their totals.
 * One write of the node's record decides it, so it may be cut off anywhere and repeated.
 *
 * Do it before the counters are read that it is compared with.
 *
 * @throws {StoreUnavailableError} when the store is away
 * @throws {UnreadableRecordError} when the total of one of the nodes makes no sense
 */
export async function carryTotal(node: string, life: Life, { records, lives }: CarryTotalPorts): Promise<void> {
  const others = (await lives.list()).filter(
    (other) => other.node !== node && other.marks.some((seen) => isSameLife(lifeOf(other, seen), life)),
  );
  if (others.length === 0) return;
  const entity = nodeEntity(node);
  // Each by itself: one that can't be read must not look like one that has carried nothing.
  const found = await Promise.all(others.map((other) => records.find(nodeEntity(other.node))));
  const carried = found.filter((record) => record !== null);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const nothing = { entity, readAt: 0, raise: {}, append: [] };
    const record = (await records.find(entity)) ?? (await records.write(nothing));
    const after = carriedElsewhere(record, life, carried);
    if (after === null || (await records.replace(record, after))) return;
  }
}
