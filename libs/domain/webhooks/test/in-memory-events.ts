import type { WebhookEvent, WebhookEvents } from "../src/index.ts";

/** A log of events in one process. */
export class InMemoryEvents implements WebhookEvents {
  readonly all: WebhookEvent[] = [];

  /** Adds an event with the next position. */
  add(attributes: Partial<WebhookEvent> = {}): WebhookEvent {
    const seq = this.all.length + 1;
    const id = `evt_${seq}`;
    const type = attributes.type ?? "key.updated";
    const body = JSON.stringify({ id, seq, type, data: {} });
    const event = { seq, id, type, at: 1_000, subject: "key:1", owner: null, body, ...attributes };
    this.all.push(event);
    return event;
  }

  async after(seq: number, limit: number): Promise<readonly WebhookEvent[]> {
    return this.all.filter((event) => event.seq > seq).slice(0, limit);
  }

  async find(seqs: readonly number[]): Promise<readonly WebhookEvent[]> {
    return this.all.filter(({ seq }) => seqs.includes(seq));
  }

  async head(): Promise<number> {
    return this.all.at(-1)?.seq ?? 0;
  }
}
