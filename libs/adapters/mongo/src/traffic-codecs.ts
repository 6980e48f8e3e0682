import {
  type Baseline,
  type Bytes,
  type CounterReset,
  eachDirection,
  isEntryId,
  type LedgerEvent,
  type Life,
  type MultiplierChange,
  type NodeLives,
  type Reset,
  type TrafficRecord,
  type UsageHistory,
} from "@veil/traffic";
import { z } from "zod";

const bytes = z.object({ up: z.number(), down: z.number() });
/** By ledger entry. Names are looked at here, so that a record with one that means nothing fails alone and not among many. */
const values = z.record(
  z.string().refine(isEntryId),
  z.object({ up: z.number().exactOptional(), down: z.number().exactOptional() }),
);
const counterState = z.object({ generation: z.number(), value: z.number() });
const baseline = z.record(z.string(), z.object({ epoch: z.number(), up: counterState, down: counterState }));

const ledgerEvent = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("fall"),
    version: z.number(),
    node: z.string(),
    epoch: z.number(),
    direction: z.enum(["up", "down"]),
    generation: z.number(),
    closed_at: z.number(),
    first: z.number(),
  }),
  /** New in 1.5: an older version passes over it, and leaves the record as it is. */
  z.object({
    kind: z.literal("multiplier-change"),
    version: z.number(),
    node: z.string(),
    epoch: z.number(),
    direction: z.enum(["up", "down"]),
    generation: z.number(),
    from: z.number(),
    multiplier: z.number(),
    first: z.number(),
  }),
  z.object({
    kind: z.literal("reset"),
    version: z.number(),
    job: z.string(),
    at: z.number(),
    floor: baseline,
    previous: bytes,
  }),
]);
const knownKinds: ReadonlySet<unknown> = new Set(ledgerEvent.options.map(({ shape }) => shape.kind.value));

/** Events, without those of kinds that a newer version writes: what these mean is not known here. */
const log = z
  .array(z.looseObject({ kind: z.string() }))
  .transform((events) => events.filter(({ kind }) => knownKinds.has(kind)))
  .pipe(z.array(ledgerEvent));

/** A record as it is stored. Fields that only `compact` writes are absent until it has; `_id` is the entity. */
export const trafficDocument = z.object({
  _id: z.string(),
  revision: z.number(),
  read_at: z.number().default(0),
  live: values.default({}),
  log: log.default([]),
  version: z.number().default(0),
  settled: bytes.default({ up: 0, down: 0 }),
  floor: baseline.default({}),
  answers: z.array(z.object({ job: z.string(), at: z.number(), previous: bytes })).default([]),
  earlier: bytes.extend({ through: z.string().nullable() }).default({ up: 0, down: 0, through: null }),
  counted_at: z.number().default(0),
  /** Stored negated, like `history_from`: see {@link lowest}. */
  first_counted_at: z.number().default(0),
  hours: z.record(z.string(), values).default({}),
  history_from: bytes.exactOptional(),
});
/** A document of the collection `traffic`. */
export type TrafficDocument = Omit<TrafficRecord, "entity" | "log" | Renamed> & {
  readonly _id: string;
  readonly settled: Bytes;
  readonly floor: Baseline;
  readonly log: readonly StoredEvent[];
  readonly read_at: number;
  readonly counted_at: number;
  readonly first_counted_at: number;
  readonly history_from?: Bytes;
};
/** Fields that are stored under another name than the domain's: that of the version that wrote them first. */
type Renamed = "folded" | "baseline" | "readAt" | "countedAt" | "firstCountedAt" | "historyFrom";

type StoredEvent =
  | (Omit<CounterReset, "kind" | "closedAt"> & { readonly kind: "fall"; readonly closed_at: number })
  | MultiplierChange
  | (Omit<Reset, "baseline"> & { readonly floor: Baseline });

/**
 * A number of which the lowest stands, as it is stored and as it is read: negated, so that `$max` keeps it. FerretDB 1.x passes
 * over a whole update when its `$min` changes nothing.
 */
export function lowest(value: number): number {
  return 0 - value;
}

export function toRecord(document: TrafficDocument): TrafficRecord {
  const { _id: entity, log: events, settled: folded, floor, ...others } = document;
  const { read_at: readAt, counted_at: countedAt, first_counted_at, history_from, ...fields } = others;
  return {
    ...fields,
    entity,
    folded,
    baseline: floor,
    log: events.map(toEvent),
    readAt,
    countedAt,
    firstCountedAt: lowest(first_counted_at),
    ...(history_from && { historyFrom: lowestOfBoth(history_from) }),
  };
}

/** The fields of a record as they are stored. */
export function toFields(record: Omit<TrafficRecord, "entity">): Omit<TrafficDocument, "_id"> {
  const { log: events, folded: settled, baseline: floor, ...others } = record;
  const { readAt: read_at, countedAt: counted_at, firstCountedAt, historyFrom, ...fields } = others;
  return {
    ...fields,
    settled,
    floor,
    log: events.map(toStoredEvent),
    read_at,
    counted_at,
    first_counted_at: lowest(firstCountedAt),
    ...(historyFrom && { history_from: lowestOfBoth(historyFrom) }),
  };
}

function toEvent(event: StoredEvent): LedgerEvent {
  if (event.kind === "reset") {
    const { floor, ...reset } = event;
    return { ...reset, baseline: floor };
  }
  if (event.kind === "multiplier-change") return event;
  const { closed_at: closedAt, ...reset } = event;
  return { ...reset, kind: "counter-reset", closedAt };
}

/** An event as it is stored. */
export function toStoredEvent(event: LedgerEvent): StoredEvent {
  if (event.kind === "reset") {
    const { baseline: floor, ...reset } = event;
    return { ...reset, floor };
  }
  if (event.kind === "multiplier-change") return event;
  const { closedAt, ...reset } = event;
  return { ...reset, kind: "fall", closed_at: closedAt };
}

function lowestOfBoth(both: Bytes): Bytes {
  return eachDirection((direction) => lowest(both[direction]));
}

/** Whether a version that knows more events wrote to the record: only such a one may work its log in. */
export function hasUnknownEvents({ log: events }: { readonly log?: readonly Pick<StoredEvent, "kind">[] }): boolean {
  return (events ?? []).some(({ kind }) => !knownKinds.has(kind));
}

const milestones = z.record(z.string(), bytes);

/** The past of a metered entity. `_id` is the entity. */
export const usageDocument = z.object({
  _id: z.string(),
  hours: milestones.default({}),
  days: milestones.default({}),
});
export type UsageDocument = UsageHistory & { readonly _id: string };

const life = z.object({ node: z.string(), epoch: z.number() });

/** The lives of one node. `_id` is the node's name. */
export const livesDocument = z.object({
  _id: z.string(),
  revision: z.number(),
  marks: z.array(
    z.object({
      mark: z.string(),
      epoch: z.number(),
      life: life.exactOptional(),
      address: z.string().exactOptional(),
    }),
  ),
  restarts: z.number(),
  /** Unix milliseconds. */
  seen_at: z.number(),
  seen_epoch: z.number(),
  seen: z.record(z.string(), z.number()).exactOptional(),
  address: z.string().exactOptional(),
  series: z.string().exactOptional(),
});
export type LivesDocument = Omit<NodeLives, "node" | "seenAt" | "seenEpoch"> & {
  readonly _id: string;
  readonly seen_at: number;
  readonly seen_epoch: number;
};

/** In the document of {@link livesDocument}, by epoch: the inbound whose entries have the own name of a life that began there. */
export const claimedInbounds = z.object({
  _id: z.string(),
  inbounds: z.record(z.string(), z.string()).default({}),
});

export function toLives({ _id: node, seen_at: seenAt, seen_epoch: seenEpoch, ...fields }: LivesDocument): NodeLives {
  return { node, ...fields, seenAt, seenEpoch };
}

/** The lives of a node as they are stored. */
export function toLivesDocument({ node, seenAt, seenEpoch, ...fields }: NodeLives): LivesDocument {
  return { _id: node, ...fields, seen_at: seenAt, seen_epoch: seenEpoch };
}

/** A process's life, in the ledger's words. `_id` is its mark. */
export const claimDocument = life.extend({ _id: z.string() });
export type ClaimDocument = Life & { readonly _id: string };
