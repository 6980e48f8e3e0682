import {
  applyUpdate,
  type LedgerUpdate,
  type NodeLives,
  type NodeLivesStore,
  type TrafficRecord,
  type TrafficStore,
} from "../src/index.ts";

/** A {@link TrafficStore} for tests: it does at once what MongoDB does. */
export class InMemoryTrafficStore implements TrafficStore {
  readonly #records = new Map<string, TrafficRecord>();

  async find(subject: string): Promise<TrafficRecord | null> {
    return this.#records.get(subject) ?? null;
  }

  async findMany(subjects: readonly string[]): Promise<Map<string, TrafficRecord>> {
    const found = new Map<string, TrafficRecord>();
    for (const subject of subjects) {
      const record = this.#records.get(subject);
      if (record !== undefined) found.set(subject, record);
    }
    return found;
  }

  async writeMany(updates: readonly LedgerUpdate[]): Promise<Set<string>> {
    for (const update of updates) await this.write(update);
    return new Set();
  }

  async write(update: LedgerUpdate): Promise<TrafficRecord> {
    const after = applyUpdate(this.#records.get(update.subject) ?? null, update);
    this.#records.set(update.subject, after);
    return after;
  }

  async replace(before: TrafficRecord, after: TrafficRecord): Promise<boolean> {
    if (this.#records.get(before.subject)?.revision !== before.revision) return false;
    this.#records.set(before.subject, after);
    return true;
  }

  async *subjects(): AsyncIterable<string> {
    yield* this.#records.keys();
  }

  async remove(subjects: readonly string[]): Promise<void> {
    for (const subject of subjects) this.#records.delete(subject);
  }
}

/** A {@link NodeLivesStore} for tests. */
export class InMemoryNodeLivesStore implements NodeLivesStore {
  readonly #lives = new Map<string, NodeLives>();

  async find(node: string): Promise<NodeLives | null> {
    return this.#lives.get(node) ?? null;
  }

  async replace(before: NodeLives | null, after: NodeLives): Promise<boolean> {
    const present = this.#lives.get(after.node);
    if (present?.revision !== before?.revision) return false;
    const { seen_at, seen_epoch } = present ?? after;
    this.#lives.set(after.node, { ...after, seen_at, seen_epoch });
    return true;
  }

  async raiseSeen(node: string, epoch: number, at: number): Promise<void> {
    const present = this.#lives.get(node);
    if (present === undefined) return;
    const seen = { seen_at: Math.max(present.seen_at, at), seen_epoch: Math.max(present.seen_epoch, epoch) };
    this.#lives.set(node, { ...present, ...seen });
  }
}
