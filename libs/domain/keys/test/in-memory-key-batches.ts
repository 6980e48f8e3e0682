import { type KeyBatch, type KeyBatches, MOST_BATCH_ERRORS, type PartEnd } from "../src/index.ts";

/** Batches that are lost with the process. */
export class InMemoryKeyBatches implements KeyBatches {
  readonly batches = new Map<string, KeyBatch>();
  readonly #parts = new Map<string, (readonly number[])[]>();
  /** When each was entered. Unix seconds. */
  readonly #enteredAt = new Map<string, number>();

  async begin(
    { job, owner, change }: Pick<KeyBatch, "job" | "owner" | "change">,
    source: AsyncIterable<readonly number[]>,
  ) {
    const parts: (readonly number[])[] = [];
    for await (const part of source) parts.push(part);
    if (this.batches.has(job)) return;
    this.#parts.set(job, parts);
    this.#enteredAt.set(job, Math.floor(Date.now() / 1_000));
    const total = parts.flat().length;
    const begun = { total, parts: parts.length, next: 0, done: 0, failed: 0, errors: [] };
    this.batches.set(job, { job, owner, change, ...begun });
  }

  async find(job: string): Promise<KeyBatch | null> {
    return this.batches.get(job) ?? null;
  }

  async findUnfinished(): Promise<string[]> {
    return [...this.batches.values()].filter(({ next, parts }) => next < parts).map(({ job }) => job);
  }

  async nextPart({ job, next }: KeyBatch): Promise<readonly number[]> {
    return this.#parts.get(job)?.[next] ?? [];
  }

  async advance(batch: KeyBatch, { done, errors }: PartEnd): Promise<void> {
    if (this.batches.get(batch.job)?.next !== batch.next) return;
    this.batches.set(batch.job, {
      ...batch,
      next: batch.next + 1,
      done: batch.done + done,
      failed: batch.failed + errors.length,
      errors: [...batch.errors, ...errors].slice(0, MOST_BATCH_ERRORS),
    });
  }

  async drop(before: number): Promise<void> {
    for (const [job, { next, parts }] of this.batches) {
      if (next === parts && (this.#enteredAt.get(job) ?? 0) < before) this.batches.delete(job);
    }
  }
}
