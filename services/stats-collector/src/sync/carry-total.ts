import {
  carriedElsewhere,
  isSameLife,
  type Life,
  lifeOf,
  nodeEntity,
  type NodeLivesStore,
  type TrafficRecord,
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
 * One write of the node's record decides it for each inbound, so it may be cut off anywhere and repeated.
 *
 * Do it before the counters are read that it is compared with.
 *
 * @param inbounds what the ledger calls the life where it counts each of the inbounds that are asked about
 * @throws {StoreUnavailableError} when the store is away
 * @throws {UnreadableRecordError} when the total of one of the nodes makes no sense
 */
export async function carryTotal(
  node: string,
  life: Life,
  inbounds: readonly Life[],
  { records, lives }: CarryTotalPorts,
): Promise<void> {
  if (inbounds.length === 0) return;
  const others = (await lives.list()).filter(
    (other) => other.node !== node && other.marks.some((seen) => isSameLife(lifeOf(other, seen), life)),
  );
  if (others.length === 0) return;
  const entity = nodeEntity(node);
  // Each by itself: one that can't be read must not look like one that has carried nothing.
  const found = await Promise.all(others.map((other) => records.find(nodeEntity(other.node))));
  const carried = found.filter((record) => record !== null);
  for (const inbound of inbounds) await carryInbound(entity, inbound, carried, records);
}

async function carryInbound(
  entity: string,
  inbound: Life,
  carried: readonly TrafficRecord[],
  records: CarryTotalPorts["records"],
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const nothing = { entity, readAt: 0, raise: {}, append: [] };
    const record = (await records.find(entity)) ?? (await records.write(nothing));
    const after = carriedElsewhere(record, inbound, carried);
    if (after === null || (await records.replace(record, after))) return;
  }
}
