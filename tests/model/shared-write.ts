import type { Answer } from "./api-process.ts";
import type { QueueClient } from "./queue-client.ts";
import { RedisAwayError } from "./simulated-redis.ts";
import type { Place } from "./simulated-writes.ts";

/** The caller hears nothing that could be wrong. */
export const NONE: Answer = { status: "none" };

/** After an error a repeat would begin anew, which no history does. */
export function onlySuccess(answer: Answer): Answer {
  return answer.status === 200 ? answer : NONE;
}

/** One request's part in a write that others may take part in, in the steps of the API's `runOnce`. */
export class SharedWrite {
  readonly #id: string;
  readonly #participant: string;
  readonly #queue: QueueClient;
  #leads = false;

  constructor(id: string, participant: string, queue: QueueClient) {
    this.#id = id;
    this.#participant = participant;
    this.#queue = queue;
  }

  /** False while Redis is away: nothing is begun then. */
  async begin(startedAt: number): Promise<boolean> {
    this.#leads = (await this.#ask(() => this.#queue.beginWrite(this.#id, this.#participant, startedAt))) ?? false;
    return this.#leads;
  }

  /** Null when nobody began it, or Redis is away. */
  async join(): Promise<Place | null> {
    const place = await this.#ask(() => this.#queue.joinWrite(this.#id, this.#participant));
    this.#leads = place?.role === "takeover";
    return place;
  }

  /** Whether this request, and no other, is to resolve the outcome; else what its caller hears. */
  async claim(): Promise<"granted" | Answer> {
    const claim = await this.#ask(() => this.#queue.claimWrite(this.#id, this.#participant));
    if (claim?.state === "granted") return "granted";
    return claim?.state === "completed" ? claim.answer : NONE;
  }

  /** The answer that stands. While Redis is away that is one's own for one who leads: nobody takes over before its time is up. */
  async complete(answer: Answer): Promise<Answer> {
    const claim = await this.#ask(() => this.#queue.completeWrite(this.#id, this.#participant, answer));
    if (claim === null) return this.#leads ? answer : NONE;
    if (claim.state === "granted") return answer;
    return claim.state === "completed" ? claim.answer : NONE;
  }

  async #ask<T>(step: () => Promise<T>): Promise<T | null> {
    return step().catch(nullWhileAway);
  }
}

/** For commands of which nobody waits until Redis is back. */
export function nullWhileAway(error: unknown): null {
  if (error instanceof RedisAwayError) return null;
  throw error;
}
