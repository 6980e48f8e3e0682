import { tryRead } from "@veil/keys";
import { type Clock, SharedRun } from "@veil/runtime";
import {
  type Bytes,
  isNodeEntity,
  type Known,
  knownOf,
  type LedgerUpdate,
  type Life,
  type NodeLivesStore,
  type Observation,
  observe,
  PLAIN_MULTIPLIER,
  type TrafficRecord,
  type TrafficStore,
  updateOf,
} from "@veil/traffic";
import type { ActiveKeys } from "../active-keys.ts";
import { inboundCounter, keyCounter, keyReadings, type MeteredNode, readBoth, USER_COUNTERS } from "./node-counters.ts";
import { carryTotal } from "./carry-total.ts";
import { entityOfMeter, InboundMeters, lifeOfMeter } from "./inbound-meters.ts";
import { KnownCounters } from "./known-counters.ts";
import type { NodeEpochs } from "./node-epochs.ts";

export interface NodeSyncOptions {
  readonly node: MeteredNode;
  readonly epochs: NodeEpochs;
  readonly records: Pick<TrafficStore, "find" | "findMany" | "write" | "writeMany" | "replace">;
  readonly lives: Pick<NodeLivesStore, "list" | "raiseSeen" | "claimInbound">;
  readonly keys: ActiveKeys;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** Called for every record that was read. */
  readonly onRecord: (record: TrafficRecord) => void;
  /** Called with what a reading has brought into the ledger, once it is there. It is not waited for, and must not throw. */
  readonly onBooked: (updates: readonly LedgerUpdate[]) => void;
  /** Called after every reading, whoever asked for it. */
  readonly onSynced: (node: string, durationMs: number, result: "ok" | "error") => void;
}

export interface NodeSyncResult {
  readonly node: string;
  /** How many entities had moved. */
  readonly changed: number;
  /** Entities whose new values the store refused. */
  readonly refused: ReadonlySet<string>;
}

/** By meter: the name of a key's entity, or that of one of the node's inbounds. */
type Readings = ReadonlyMap<string, Partial<Bytes>>;

interface Change {
  readonly meter: string;
  readonly bytes: Partial<Bytes>;
  /** `null` when the ledger needs nothing of it. */
  readonly observation: Observation | null;
}

/** What became of a reading. */
interface Brought extends Omit<NodeSyncResult, "node"> {
  /** Meters of whose counters a generation began, unless another collector was first. */
  readonly begun: readonly string[];
}

/** How often what another collector was first in is brought in again; the next reading does it in any case. */
const ATTEMPTS = 3;
/** What is known of an entity that moves is asked for again after this long. */
const ASK_AGAIN_AFTER_MS = 15 * 60_000;
/** Up to this many entities, reading their counters one by one is cheaper than reading all counters once more. */
const READ_ONE_BY_ONE = 16;

/**
 * Brings what one node has counted into the ledger: one reading of all counters, one write of those that moved.
 *
 * The ledger is always asked before the counters it is compared with are read.
 */
export class NodeSync {
  readonly #options: NodeSyncOptions;
  readonly #known = new KnownCounters();
  readonly #inbounds: InboundMeters;
  readonly #runs = new SharedRun(() => this.#measure(() => this.#sync()));

  constructor(options: NodeSyncOptions) {
    this.#options = options;
    this.#inbounds = new InboundMeters(options.node, options.lives);
  }

  get node(): string {
    return this.#options.node.name;
  }

  /**
   * Ends with a reading that began after the call. Calls that come while one is under way share the next one.
   *
   * Nothing is counted twice when a reading that failed is repeated.
   *
   * @throws {ProcessChangedError} when the process ended or lost its mark meanwhile
   * @throws {DuplicateNodeError} when another node leads to the same process, and is read instead
   * @throws {MarkNotPlantedError} when no mark could be planted
   * @throws {UptimeUnclearError} when the node was slow to tell its uptime
   * @throws {XrayError} when the node can't be read
   * @throws {StoreUnavailableError} when the store is away
   */
  run(): Promise<NodeSyncResult> {
    return this.#runs.run();
  }

  async #measure(sync: () => Promise<NodeSyncResult>): Promise<NodeSyncResult> {
    const { clock, onSynced } = this.#options;
    const begun = clock.monotonic();
    let result: "ok" | "error" = "error";
    try {
      const synced = await sync();
      result = "ok";
      return synced;
    } finally {
      onSynced(this.node, clock.monotonic() - begun, result);
    }
  }

  async #sync(): Promise<NodeSyncResult> {
    const first = await this.#bring((life) => this.#read(life));
    const refused = new Set(first.refused);
    // What begins a generation says nothing where another collector was first: what was read then is brought in once more.
    let begun = first.begun;
    for (let attempt = 1; attempt < ATTEMPTS && begun.length > 0; attempt += 1) {
      const meters = begun;
      const again = await this.#bring((life) => this.#readAnew(life, meters));
      for (const entity of again.refused) refused.add(entity);
      begun = again.begun;
    }
    return { node: this.node, changed: first.changed, refused };
  }

  /** Brings what is read into the ledger, once it is dated. */
  async #bring(read: (life: Life) => Promise<Change[]>): Promise<Brought> {
    const { node, epochs, lives, clock } = this.#options;
    const { value: changes, epoch, seenAt } = await epochs.date(node, read);
    const readAt = Math.floor(clock.now() / 1000);
    const updates = this.#updates(changes, readAt);
    const [refused] = await Promise.all([this.#write(updates), lives.raiseSeen(node.name, epoch, seenAt)]);
    for (const change of changes) this.#remember(change, refused);
    this.#options.onBooked(updates.filter(({ entity }) => !refused.has(entity)));
    const begun = changes.filter((change) => beginsGeneration(change) && !refused.has(this.#entityOf(change.meter)));
    return { changed: updates.length, refused, begun: begun.map(({ meter }) => meter) };
  }

  #updates(changes: readonly Change[], readAt: number): LedgerUpdate[] {
    const observed = new Map<string, Observation[]>();
    for (const { meter, observation } of changes) {
      if (observation === null) continue;
      const entity = this.#entityOf(meter);
      const others = observed.get(entity);
      if (others === undefined) observed.set(entity, [observation]);
      else others.push(observation);
    }
    return [...observed].map(([entity, observations]) => updateOf(entity, observations, readAt));
  }

  async #write(updates: readonly LedgerUpdate[]): Promise<Set<string>> {
    return updates.length === 0 ? new Set() : this.#options.records.writeMany(updates);
  }

  async #read(life: Life): Promise<Change[]> {
    await this.#begin(life);
    const readings = await this.#readAll();
    const outdated = this.#outdated(life, readings);
    if (outdated.length === 0) return this.#changes(life, readings);
    return this.#changes(life, new Map([...readings, ...(await this.#askAndRead(life, outdated))]));
  }

  async #begin(life: Life): Promise<void> {
    this.#known.begin(life);
    await this.#inbounds.begin(life);
  }

  async #readAnew(life: Life, meters: readonly string[]): Promise<Change[]> {
    await this.#begin(life);
    return this.#changes(life, await this.#askAndRead(life, meters));
  }

  async #askAndRead(life: Life, meters: readonly string[]): Promise<Readings> {
    await this.#ask(life, meters);
    return this.#readAgain(meters.filter((meter) => this.#known.get(meter) !== null));
  }

  /** Meters whose reading can't be compared with what is known: ask the ledger, and read their counters again. */
  #outdated(life: Life, readings: Readings): string[] {
    const outdated: string[] = [];
    const old: string[] = [];
    const oldBefore = this.#options.clock.monotonic() - ASK_AGAIN_AFTER_MS;
    for (const [meter, bytes] of readings) {
      const known = this.#known.get(meter);
      if (known === undefined) {
        outdated.push(meter);
        continue;
      }
      const moved = known === null ? null : this.#observe(known, life, meter, bytes);
      if (moved !== null && moved.begun.length > 0) outdated.push(meter);
      else if ((moved !== null || known === null) && this.#known.wasAskedBefore(meter, oldBefore)) old.push(meter);
    }
    return [...outdated, ...old.slice(0, READ_ONE_BY_ONE)];
  }

  #changes(life: Life, readings: Readings): Change[] {
    return [...readings].flatMap(([meter, bytes]) => {
      const known = this.#known.get(meter);
      if (known === undefined) return [];
      const observation = known === null ? null : this.#observe(known, life, meter, bytes);
      return [{ meter, bytes, observation }];
    });
  }

  #observe(known: Known, life: Life, meter: string, bytes: Partial<Bytes>): Observation | null {
    const { node } = this.#options;
    const multiplier = isNodeEntity(meter) ? PLAIN_MULTIPLIER : node.multiplier();
    return observe(known, { ...lifeOfMeter(meter, node.name, life), ...bytes }, multiplier);
  }

  async #ask(life: Life, meters: readonly string[]): Promise<void> {
    if (meters.length === 0) return;
    const { node, records, lives, keys, clock, onRecord } = this.#options;
    const askedAt = clock.monotonic();
    const inbounds = meters.filter(isNodeEntity).map((meter) => lifeOfMeter(meter, node.name, life));
    const isTotalClear =
      (await tryRead(() => carryTotal(node.name, life, inbounds, { records, lives }))) !== "unreadable";
    const keyIds = meters.filter((meter) => !isNodeEntity(meter)).map(Number);
    const entities = [...new Set(meters.map((meter) => this.#entityOf(meter)))];
    const [found, kept] = await Promise.all([records.findMany(entities), keys.kept(keyIds)]);
    for (const meter of meters) {
      const record = found.get(this.#entityOf(meter)) ?? null;
      if (record === "unreadable") {
        this.#known.learn(meter, null, askedAt);
        continue;
      }
      const isCounted = isNodeEntity(meter) ? isTotalClear : kept.has(Number(meter));
      const counted = lifeOfMeter(meter, node.name, life);
      this.#known.learn(meter, isCounted ? knownOf(record, counted.node, counted.epoch) : null, askedAt);
    }
    for (const record of found.values()) if (record !== "unreadable") onRecord(record);
  }

  /** Everything that may not be in the ledger yet. */
  async #readAll(): Promise<Map<string, Partial<Bytes>>> {
    const { node } = this.#options;
    const [users, inbounds] = await Promise.all([node.queryCounters(USER_COUNTERS), this.#readInbounds()]);
    return new Map([...keyReadings(this.#known.unrecorded(users)), ...inbounds]);
  }

  async #readAgain(meters: readonly string[]): Promise<Readings> {
    if (meters.length > READ_ONE_BY_ONE) {
      const all = await this.#readAll();
      return new Map(meters.map((meter) => [meter, all.get(meter) ?? {}]));
    }
    const tags = this.#inbounds.tags();
    return new Map(await Promise.all(meters.map(async (meter) => [meter, await this.#readOne(meter, tags)] as const)));
  }

  async #readOne(meter: string, tags: ReadonlyMap<string, string>): Promise<Partial<Bytes>> {
    const { node } = this.#options;
    if (!isNodeEntity(meter)) return readBoth(node, (direction) => keyCounter(Number(meter), direction));
    const tag = tags.get(meter);
    // It was taken out meanwhile.
    if (tag === undefined) return {};
    return readBoth(node, (direction) => inboundCounter(tag, direction));
  }

  async #readInbounds(): Promise<Readings> {
    const tags = this.#inbounds.tags();
    const read = [...tags.keys()].map(async (meter) => [meter, await this.#readOne(meter, tags)] as const);
    return new Map(await Promise.all(read));
  }

  #remember(change: Change, refused: ReadonlySet<string>): void {
    const { meter, bytes, observation } = change;
    if (refused.has(this.#entityOf(meter)) || beginsGeneration(change)) {
      this.#known.forget(meter);
      return;
    }
    if (observation !== null) this.#known.raise(meter, observation.known);
    this.#known.markRecorded(meter, bytes);
  }

  #entityOf(meter: string): string {
    return entityOfMeter(meter, this.#options.node.name);
  }
}

function beginsGeneration({ observation }: Change): boolean {
  return observation !== null && observation.begun.length > 0;
}
