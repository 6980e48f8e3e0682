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
  nodeEntity,
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
import { KnownCounters } from "./known-counters.ts";
import type { NodeEpochs } from "./node-epochs.ts";

export interface NodeSyncOptions {
  readonly node: MeteredNode;
  readonly epochs: NodeEpochs;
  readonly records: Pick<TrafficStore, "find" | "findMany" | "write" | "writeMany" | "replace">;
  readonly lives: Pick<NodeLivesStore, "list" | "raiseSeen">;
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

type Readings = ReadonlyMap<string, Partial<Bytes>>;

interface Change {
  readonly entity: string;
  readonly bytes: Partial<Bytes>;
  /** `null` when the ledger needs nothing of it. */
  readonly observation: Observation | null;
}

/** What became of a reading. */
interface Brought extends Omit<NodeSyncResult, "node"> {
  /** Entities of whose counters a generation began, unless another collector was first. */
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
  readonly #runs = new SharedRun(() => this.#measure(() => this.#sync()));

  constructor(options: NodeSyncOptions) {
    this.#options = options;
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
      const entities = begun;
      const again = await this.#bring((life) => this.#readAnew(life, entities));
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
    const updates = changes.flatMap(({ entity, observation }) =>
      observation === null ? [] : [updateOf(entity, [observation], readAt)],
    );
    const [refused] = await Promise.all([this.#write(updates), lives.raiseSeen(node.name, epoch, seenAt)]);
    for (const change of changes) this.#remember(change, refused);
    this.#options.onBooked(updates.filter(({ entity }) => !refused.has(entity)));
    const begun = changes.filter((change) => beginsGeneration(change) && !refused.has(change.entity));
    return { changed: updates.length, refused, begun: begun.map(({ entity }) => entity) };
  }

  async #write(updates: readonly LedgerUpdate[]): Promise<Set<string>> {
    return updates.length === 0 ? new Set() : this.#options.records.writeMany(updates);
  }

  async #read(life: Life): Promise<Change[]> {
    this.#known.begin(life);
    const readings = await this.#readAll();
    const outdated = this.#outdated(life, readings);
    if (outdated.length === 0) return this.#changes(life, readings);
    return this.#changes(life, new Map([...readings, ...(await this.#askAndRead(life, outdated))]));
  }

  async #readAnew(life: Life, entities: readonly string[]): Promise<Change[]> {
    this.#known.begin(life);
    return this.#changes(life, await this.#askAndRead(life, entities));
  }

  async #askAndRead(life: Life, entities: readonly string[]): Promise<Readings> {
    await this.#ask(life, entities);
    return this.#readAgain(entities.filter((entity) => this.#known.get(entity) !== null));
  }

  /** Entities whose reading can't be compared with what is known: ask the ledger, and read their counters again. */
  #outdated(life: Life, readings: Readings): string[] {
    const outdated: string[] = [];
    const old: string[] = [];
    const oldBefore = this.#options.clock.monotonic() - ASK_AGAIN_AFTER_MS;
    for (const [entity, bytes] of readings) {
      const known = this.#known.get(entity);
      if (known === undefined) {
        outdated.push(entity);
        continue;
      }
      const moved = known === null ? null : this.#observe(known, life, entity, bytes);
      if (moved !== null && moved.begun.length > 0) outdated.push(entity);
      else if ((moved !== null || known === null) && this.#known.wasAskedBefore(entity, oldBefore)) old.push(entity);
    }
    return [...outdated, ...old.slice(0, READ_ONE_BY_ONE)];
  }

  #changes(life: Life, readings: Readings): Change[] {
    return [...readings].flatMap(([entity, bytes]) => {
      const known = this.#known.get(entity);
      if (known === undefined) return [];
      const observation = known === null ? null : this.#observe(known, life, entity, bytes);
      return [{ entity, bytes, observation }];
    });
  }

  #observe(known: Known, life: Life, entity: string, bytes: Partial<Bytes>): Observation | null {
    const multiplier = isNodeEntity(entity) ? PLAIN_MULTIPLIER : this.#options.node.multiplier();
    return observe(known, { ...life, ...bytes }, multiplier);
  }

  async #ask(life: Life, entities: readonly string[]): Promise<void> {
    if (entities.length === 0) return;
    const { node, records, lives, keys, clock, onRecord } = this.#options;
    const askedAt = clock.monotonic();
    const isTotalClear =
      !entities.some(isNodeEntity) ||
      (await tryRead(() => carryTotal(node.name, life, { records, lives }))) !== "unreadable";
    const keyIds = entities.filter((entity) => !isNodeEntity(entity)).map(Number);
    const [found, kept] = await Promise.all([records.findMany(entities), keys.kept(keyIds)]);
    for (const entity of entities) {
      const record = found.get(entity) ?? null;
      if (record === "unreadable") {
        this.#known.learn(entity, null, askedAt);
        continue;
      }
      const isCounted = isNodeEntity(entity) ? isTotalClear : kept.has(Number(entity));
      this.#known.learn(entity, isCounted ? knownOf(record, life.node, life.epoch) : null, askedAt);
      if (record !== null) onRecord(record);
    }
  }

  /** Everything that may not be in the ledger yet. */
  async #readAll(): Promise<Map<string, Partial<Bytes>>> {
    const { node } = this.#options;
    const [users, inbound] = await Promise.all([node.queryCounters(USER_COUNTERS), this.#readInbound()]);
    return keyReadings(this.#known.unrecorded(users)).set(nodeEntity(node.name), inbound);
  }

  async #readAgain(entities: readonly string[]): Promise<Readings> {
    if (entities.length > READ_ONE_BY_ONE) {
      const all = await this.#readAll();
      return new Map(entities.map((entity) => [entity, all.get(entity) ?? {}]));
    }
    return new Map(await Promise.all(entities.map(async (entity) => [entity, await this.#readOne(entity)] as const)));
  }

  #readOne(entity: string): Promise<Partial<Bytes>> {
    if (isNodeEntity(entity)) return this.#readInbound();
    return readBoth(this.#options.node, (direction) => keyCounter(Number(entity), direction));
  }

  #readInbound(): Promise<Partial<Bytes>> {
    const { node } = this.#options;
    return readBoth(node, (direction) => inboundCounter(node.inboundTag, direction));
  }

  #remember(change: Change, refused: ReadonlySet<string>): void {
    const { entity, bytes, observation } = change;
    if (refused.has(entity) || beginsGeneration(change)) {
      this.#known.forget(entity);
      return;
    }
    if (observation !== null) this.#known.raise(entity, observation.known);
    this.#known.markRecorded(entity, bytes);
  }
}

function beginsGeneration({ observation }: Change): boolean {
  return observation !== null && observation.begun.length > 0;
}
