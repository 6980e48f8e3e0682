import type { EventLog, EventQuery, LoggedEvent, Outbox, TailEntry, VeilEvent } from "../src/index.ts";

/** Runs before every step; throwing makes it fail, waiting lets others go first. */
type BeforeStep = (step: string) => Promise<void>;

/** A log in one process. */
export class InMemoryEventLog implements EventLog {
  readonly events: LoggedEvent[] = [];
  beforeStep: BeforeStep = async () => undefined;
  #checkpoint = 0;
  #first = 1;

  async append(after: number, events: readonly VeilEvent[]): Promise<"appended" | "outrun"> {
    for (const [index, event] of events.entries()) {
      await this.beforeStep("append");
      const seq = after + index + 1;
      if (this.events.some((other) => other.seq === seq)) return "outrun";
      this.events.push({ ...event, seq });
    }
    return "appended";
  }

  async read({ after, limit, type, actor, keyId, owner }: EventQuery): Promise<LoggedEvent[]> {
    await this.beforeStep("read");
    const found = this.events
      .filter(({ seq }) => seq > after && seq >= this.#first)
      .filter((event) => type === undefined || event.type === type)
      .filter((event) => actor === undefined || event.actor.name === actor)
      .filter((event) => keyId === undefined || event.keyId === keyId)
      .filter((event) => owner === undefined || event.owner === owner);
    return found.toSorted((a, b) => a.seq - b.seq).slice(0, limit);
  }

  async tail(after: number, limit: number): Promise<TailEntry[]> {
    return this.read({ after, limit });
  }

  async checkpoint(): Promise<number> {
    await this.beforeStep("checkpoint");
    return this.#checkpoint;
  }

  async raiseCheckpoint(seq: number): Promise<void> {
    await this.beforeStep("raiseCheckpoint");
    this.#checkpoint = Math.max(this.#checkpoint, seq);
  }

  async drop(before: number, now: number): Promise<number> {
    const last = this.events.length;
    const there = this.events.filter(({ seq }) => seq >= this.#first);
    const kept = there.find(({ seq, at }) => (at >= before && at <= now) || seq === last)?.seq ?? this.#first;
    const first = (there.findLast(({ seq, at }) => seq < kept && at < before)?.seq ?? this.#first - 1) + 1;
    const dropped = first - this.#first;
    this.#first = first;
    return dropped;
  }
}

/** Events where they were born, in one process. */
export class InMemoryOutbox implements Outbox {
  readonly born: VeilEvent[] = [];
  readonly marked = new Set<string>();
  beforeStep: BeforeStep = async () => undefined;

  async pending(subjects: readonly string[]): Promise<VeilEvent[]> {
    await this.beforeStep("pending");
    return this.born.filter(({ id, subject }) => subjects.includes(subject) && !this.marked.has(id));
  }

  async mark(events: readonly Pick<VeilEvent, "id" | "subject">[]): Promise<void> {
    for (const { id } of events) {
      await this.beforeStep("mark");
      this.marked.add(id);
    }
  }

  async *subjects(): AsyncGenerator<readonly string[]> {
    yield [...new Set(this.born.map(({ subject }) => subject))];
  }
}
