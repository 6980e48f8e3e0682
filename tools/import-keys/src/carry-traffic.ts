import {
  applyUpdate,
  type Bytes,
  DIRECTIONS,
  eachDirection,
  figuresOf,
  formatEntryId,
  keyEntity,
  knownOf,
  type LedgerUpdate,
  type Life,
  NO_BYTES,
  type NodeLivesStore,
  observe,
  type TrafficRecord,
  type TrafficStore,
  updateOf,
} from "@veil/traffic";
import type { Clock } from "@veil/runtime";
import type { XrayNode } from "@veil/xray-grpc";
import type { LegacyKey } from "./legacy-key.ts";
import { type EmailOwners, legacyReadings } from "./former-users.ts";
import { type ReadInLife, readInOneLife } from "./read-in-one-life.ts";

/**
 * The ledger entry of what the first implementation had stored. No node can have such a name, so it is the importer's
 * alone. That it stands there, if only as zero, says that the totals of a key have been taken over.
 */
const storedEntry = formatEntryId({ node: "@import", epoch: 0, generation: 0 });

/** The ledger's name for what a life counts under the e-mails of before. */
function formerLife({ node, epoch }: Life): Life {
  return { node: `${node}@import`, epoch };
}

export interface CarryPorts {
  readonly clock: Pick<Clock, "now">;
  readonly nodes: readonly XrayNode[];
  readonly records: Pick<TrafficStore, "findMany" | "writeMany">;
  readonly lives: NodeLivesStore;
}

type NodeReading = ReadInLife<ReadonlyMap<number, Bytes>>;

export interface CarryResult {
  /** Keys whose stored totals were taken over now. */
  readonly taken: number;
  /** Keys that have moved bytes under their e-mail of before since the last time. */
  readonly moved: number;
}

/**
 * Brings totals into the ledger, each byte once however often this runs: the stored ones, once, and what stands in Xray's
 * counters under the e-mails of before, as entries of their own that are only ever raised.
 *
 * The stored totals are a copy of the same counters. A copy that was made in this life of Xray is therefore left out where
 * the counters stand at it or above, and taken where they have fallen below it: somebody has reset them since. The ledger
 * is asked before the counters are read.
 *
 * @throws {NodeNotReadyError | XrayError | StoreUnavailableError} when it should be run again
 * @throws {Error} when the ledger refused records, or holds some that make no sense; all others are done
 */
export async function carryTraffic(
  keys: readonly LegacyKey[],
  owners: EmailOwners,
  { clock, nodes, records, lives }: CarryPorts,
): Promise<CarryResult> {
  const before = await records.findMany(keys.map(({ id }) => keyEntity(id)));
  const readings = await Promise.all(nodes.map((node) => readNode(node, owners, lives, clock)));
  const readAt = Math.floor(clock.now() / 1000);
  let taken = 0;
  let moved = 0;
  const updates = keys.flatMap((key): LedgerUpdate[] => {
    const record = before.get(keyEntity(key.id)) ?? null;
    // Whether its totals are taken over is not known.
    if (record === "unreadable") return [];
    const counted = updateOf(keyEntity(key.id), observationsOf(key, record, readings), readAt);
    const stored = isTaken(record) ? null : storedBytes(key, readings);
    const hasMoved = Object.keys(counted.raise).length + counted.append.length > 0;
    if (stored !== null) taken += 1;
    if (hasMoved) moved += 1;
    if (stored === null && !hasMoved) return [];
    const raise = { ...counted.raise, ...(stored !== null && { [storedEntry]: stored }) };
    // When a key first connected is not known, and what it moved before is no usage of this hour.
    const update = { ...counted, isFirst: false, raise };
    if (stored === null) return [update];
    return [{ ...update, historyFrom: figuresOf(applyUpdate(record, update)).lifetime }];
  });
  const refused = await records.writeMany(updates);
  const unreadable = [...before].flatMap(([entity, record]) => (record === "unreadable" ? [entity] : []));
  if (unreadable.length > 0) throw new Error(`the traffic records of keys can't be read: ${unreadable.join(", ")}`);
  if (refused.size > 0) throw new Error(`the ledger refused ${refused.size} records`);
  return { taken, moved };
}

async function readNode(
  node: XrayNode,
  owners: EmailOwners,
  lives: NodeLivesStore,
  clock: CarryPorts["clock"],
): Promise<NodeReading> {
  return readInOneLife(node, { lives, clock }, async () => legacyReadings(await node.queryCounters("user>>>"), owners));
}

function isTaken(record: TrafficRecord | null): boolean {
  return record?.live[storedEntry] !== undefined;
}

function observationsOf({ id }: LegacyKey, record: TrafficRecord | null, readings: readonly NodeReading[]) {
  return readings.map(({ life, value }) => {
    const counted = value.get(id);
    const former = formerLife(life);
    return counted === undefined
      ? null
      : observe(knownOf(record, former.node, former.epoch), { ...former, ...counted });
  });
}

/** The part of the stored totals that no counter holds any more. */
function storedBytes({ id, traffic }: LegacyKey, readings: readonly NodeReading[]): Bytes {
  const copied = readings.filter(({ value, startedAt }) => value.has(id) && traffic.updatedAt >= startedAt);
  const shown = eachDirection((direction) =>
    copied.reduce((sum, { value }) => sum + (value.get(id) ?? NO_BYTES)[direction], 0),
  );
  if (DIRECTIONS.every((direction) => shown[direction] >= traffic[direction])) return NO_BYTES;
  return eachDirection((direction) => traffic[direction]);
}
