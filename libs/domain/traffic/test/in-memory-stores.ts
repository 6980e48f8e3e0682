import {
  applyHistoryUpdate,
  applyUpdate,
  emptyRecord,
  type FoundHistory,
  type FoundRecord,
  type HistoryUpdate,
  type HourlyValues,
  type HoursTrim,
  type LedgerUpdate,
  type Life,
  LONGEST_AHEAD_MS,
  type NodeLives,
  type NodeLivesStore,
  nodeOfSeries,
  type TrafficRecord,
  type TrafficStore,
  type UsageHistory,
  type UsageStore,
} from "../src/index.ts";

/** A {@link TrafficStore} for tests: it does at once what MongoDB does. */
export class InMemoryTrafficStore implements TrafficStore {
  readonly #records = new Map<string, TrafficRecord>();

  async find(entity: string): Promise<TrafficRecord | null> {
    return this.#records.get(entity) ?? null;
  }

  async findMany(entities: readonly string[]): Promise<Map<string, FoundRecord>> {
    const found = new Map<string, FoundRecord>();
    for (const entity of entities) {
      const record = this.#records.get(entity);
      if (record !== undefined) found.set(entity, record);
    }
    return found;
  }

  async writeMany(updates: readonly LedgerUpdate[]): Promise<Set<string>> {
    for (const update of updates) await this.write(update);
    return new Set();
  }

  async write(update: LedgerUpdate): Promise<TrafficRecord> {
    const after = applyUpdate(this.#records.get(update.entity) ?? null, update);
    this.#records.set(update.entity, after);
    return after;
  }

  async replace(before: TrafficRecord, after: TrafficRecord): Promise<boolean> {
    if (this.#records.get(before.entity)?.revision !== before.revision) return false;
    this.#records.set(before.entity, after);
    return true;
  }

  async trimHours(trims: readonly HoursTrim[]): Promise<void> {
    for (const { entity, hour, values, dropped } of trims) {
      const record = this.#records.get(entity);
      if (record === undefined) continue;
      const raised = applyUpdate(emptyRecord(entity), {
        entity,
        readAt: 0,
        raise: record.hours[hour] ?? {},
        append: [],
      });
      const kept = applyUpdate(raised, { entity, readAt: 0, raise: values, append: [] }).live;
      const hours: Record<string, HourlyValues[string]> = { ...record.hours, [hour]: kept };
      for (const number of dropped) delete hours[number];
      this.#records.set(entity, { ...record, revision: record.revision + 1, hours });
    }
  }

  async *entities(): AsyncIterable<string> {
    yield* this.#records.keys();
  }

  async countedSince(at: number): Promise<string[]> {
    return [...this.#records.values()].filter(({ countedAt }) => countedAt >= at).map(({ entity }) => entity);
  }

  async remove(entities: readonly string[]): Promise<void> {
    for (const entity of entities) this.#records.delete(entity);
  }
}

/** A {@link UsageStore} for tests. */
export class InMemoryUsageStore implements UsageStore {
  readonly #histories = new Map<string, UsageHistory>();

  async readUsage(entity: string): Promise<UsageHistory | null> {
    return this.#histories.get(entity) ?? null;
  }

  async readMany(entities: readonly string[]): Promise<ReadonlyMap<string, FoundHistory>> {
    return new Map([...this.#histories].filter(([entity]) => entities.includes(entity)));
  }

  async writeMany(updates: readonly HistoryUpdate[]): Promise<Set<string>> {
    for (const update of updates) {
      this.#histories.set(update.entity, applyHistoryUpdate(this.#histories.get(update.entity) ?? null, update));
    }
    return new Set();
  }

  async *entities(): AsyncIterable<string> {
    yield* this.#histories.keys();
  }

  async remove(entities: readonly string[]): Promise<void> {
    for (const entity of entities) this.#histories.delete(entity);
  }
}

/** A {@link NodeLivesStore} for tests. */
export class InMemoryNodeLivesStore implements NodeLivesStore {
  readonly #lives = new Map<string, NodeLives>();
  readonly #claims = new Map<string, Life>();
  /** By node: the tag by epoch. */
  readonly #inbounds = new Map<string, Map<number, string>>();

  async find(node: string): Promise<NodeLives | null> {
    return this.#lives.get(node) ?? null;
  }

  async list(): Promise<NodeLives[]> {
    return [...this.#lives.values()];
  }

  async names(): Promise<string[]> {
    return [...this.#lives.keys()];
  }

  async remove(lives: NodeLives): Promise<void> {
    const present = this.#lives.get(lives.node);
    if (present?.revision === lives.revision && present.seenAt === lives.seenAt) {
      this.#lives.delete(lives.node);
      this.#inbounds.delete(lives.node);
    }
  }

  async replace(before: NodeLives | null, after: NodeLives): Promise<boolean> {
    const present = this.#lives.get(after.node);
    if (present?.revision !== before?.revision) return false;
    const { seenAt, seenEpoch, seen } = present ?? after;
    const kept = new Set(after.marks.map(({ epoch }) => epoch));
    for (const { epoch } of present?.marks ?? []) if (!kept.has(epoch)) this.#inbounds.get(after.node)?.delete(epoch);
    this.#lives.set(after.node, {
      ...after,
      seenAt,
      seenEpoch,
      ...(seen !== undefined && { seen: seenIn(after, seen) }),
    });
    return true;
  }

  async raiseSeen(node: string, epoch: number, at: number): Promise<void> {
    const present = this.#lives.get(node);
    if (present === undefined) return;
    const raised = (before: number): number => (before > at + LONGEST_AHEAD_MS ? at : Math.max(before, at));
    this.#lives.set(node, {
      ...present,
      seenAt: raised(present.seenAt),
      seenEpoch: Math.max(present.seenEpoch, epoch),
      seen: { ...present.seen, [epoch]: raised(present.seen?.[epoch] ?? 0) },
    });
  }

  async findClaim(mark: string): Promise<Life | null> {
    return this.#claims.get(mark) ?? null;
  }

  async claim(mark: string, life: Life): Promise<Life> {
    const claimed = this.#claims.get(mark) ?? life;
    this.#claims.set(mark, claimed);
    return claimed;
  }

  async claimInbound({ node: series, epoch }: Life, tag: string): Promise<string> {
    const node = nodeOfSeries(series);
    if (!this.#lives.has(node)) return tag;
    const claimed = this.#inbounds.get(node) ?? new Map<number, string>();
    this.#inbounds.set(node, claimed);
    const first = claimed.get(epoch) ?? tag;
    claimed.set(epoch, first);
    return first;
  }

  async removeClaims(marks: readonly string[]): Promise<void> {
    for (const mark of marks) this.#claims.delete(mark);
  }
}

/** Of the epochs whose marks are remembered. */
function seenIn({ marks }: NodeLives, seen: NonNullable<NodeLives["seen"]>): NonNullable<NodeLives["seen"]> {
  const kept = new Set(marks.map(({ epoch }) => String(epoch)));
  return Object.fromEntries(Object.entries(seen).filter(([epoch]) => kept.has(epoch)));
}
