import { isLastOfSubject } from "./event-types.ts";
import type { VeilEvent } from "./event.ts";
import type { EventLog, Outbox, TailEntry } from "./ports.ts";

/** Events that one write adds to the log. */
const APPENDED_AT_ONCE = 500;
/** Events of the tail that one read brings. */
const READ_AT_ONCE = 1_000;

export interface RelayPorts {
  readonly log: EventLog;
  readonly outbox: Outbox;
}

/**
 * Brings the events of some subjects from where they were born into the log, each exactly once, whoever does the same at the
 * same moment and wherever this ends.
 *
 * An event that is in the log and not marked where it was born is behind the checkpoint, since that is only raised
 * once all before it are marked. So whoever reads the position first, then the log behind it, and then the outboxes, knows
 * all that they may still show of what is logged. And it adds behind the last event that it knows of: when others have
 * added some meanwhile nothing is added, and it reads what they were.
 *
 * Nothing is added behind the end of a subject: what was born with another write than the end, and came to light after
 * somebody had logged that, is left out.
 *
 * @returns the events that were added
 * @throws {StoreUnavailableError} to be run again: what was not done is done then
 */
export async function relayEvents(subjects: readonly string[], { log, outbox }: RelayPorts): Promise<VeilEvent[]> {
  const tail = await Tail.read(log);
  const pending = await outbox.pending(subjects);
  const added: VeilEvent[] = [];
  while (true) {
    const part = pending.filter((event) => !tail.has(event) && !tail.hasEnded(event)).slice(0, APPENDED_AT_ONCE);
    if (part.length === 0) break;
    if ((await log.append(tail.last, part)) === "outrun") {
      const before = tail.last;
      await tail.readOn();
      if (tail.last === before) throw new Error(`event ${before + 1} is there and can't be read`);
      continue;
    }
    tail.add(part);
    added.push(...part);
  }
  if (tail.events.length === 0) return added;
  // Those of others as well: who added them may have died before they were marked.
  await outbox.mark(tail.events);
  await log.raiseCheckpoint(tail.last);
  return added;
}

/** The log behind the checkpoint, as far as it is known. */
class Tail {
  readonly #log: EventLog;
  readonly #events = new Map<string, Pick<VeilEvent, "id" | "subject">>();
  readonly #ended = new Set<string>();
  last: number;

  private constructor(log: EventLog, checkpoint: number) {
    this.#log = log;
    this.last = checkpoint;
  }

  static async read(log: EventLog): Promise<Tail> {
    const tail = new Tail(log, await log.checkpoint());
    await tail.readOn();
    return tail;
  }

  get events(): Pick<VeilEvent, "id" | "subject">[] {
    return [...this.#events.values()];
  }

  has({ id }: Pick<VeilEvent, "id">): boolean {
    return this.#events.has(id);
  }

  hasEnded({ subject }: Pick<VeilEvent, "subject">): boolean {
    return this.#ended.has(subject);
  }

  /** Takes in events that this process has added itself. */
  add(events: readonly VeilEvent[]): void {
    for (const event of events) this.#enter(event);
    this.last += events.length;
  }

  /** Reads on through the events that other processes have added. */
  async readOn(): Promise<void> {
    while (true) {
      const events = await this.#log.tail(this.last, READ_AT_ONCE);
      for (const event of events) {
        this.#enter(event);
        this.last = event.seq;
      }
      if (events.length < READ_AT_ONCE) return;
    }
  }

  #enter({ id, subject, type }: Pick<TailEntry, "id" | "subject" | "type">): void {
    this.#events.set(id, { id, subject });
    if (isLastOfSubject(type)) this.#ended.add(subject);
  }
}
