import { randomUUID } from "node:crypto";
import { type KeyBatch, type KeyBatches, MOST_BATCH_ERRORS, type PartEnd } from "@veil/keys";
import type { Connection, mongo } from "mongoose";
import { z } from "zod";
import { FindById, InsertIfAbsent } from "./by-id.ts";
import type { MongoConnection } from "./connect-mongo.ts";
import { LONG_READ } from "./engine.ts";
import { removeMany } from "./many-entities.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";

/** A batch. `_id` is its job; `series` names its parts, so that a second one that was resolved meanwhile has parts of its own. */
const batchDocument = z.object({
  _id: z.string(),
  series: z.string(),
  /** Missing where all keys are meant, and in what was stored before keys had owners. */
  owner: z.string().nullable().default(null),
  change: z.string(),
  total: z.number(),
  parts: z.number(),
  next: z.number(),
  done: z.number(),
  failed: z.number(),
  errors: z.array(z.object({ key_id: z.number(), detail: z.string() })),
  is_done: z.boolean(),
  /** Unix seconds. */
  created_at: z.number(),
});
type BatchDocument = Readonly<z.infer<typeof batchDocument>>;

const partDocument = z.object({ _id: z.string(), key_ids: z.array(z.number()), created_at: z.number() });
type PartDocument = Readonly<z.infer<typeof partDocument>>;

/** Changes of many keys in the collections `key_batches` and `key_batch_parts`, all but housekeeping by `_id` alone. */
export class MongoKeyBatches implements KeyBatches {
  readonly #connection: Connection;
  readonly #now: () => number;
  readonly #batches: mongo.Collection<BatchDocument>;
  readonly #parts: mongo.Collection<PartDocument>;
  readonly #found: FindById<BatchDocument>;
  readonly #foundParts: FindById<PartDocument>;
  readonly #entries: InsertIfAbsent<BatchDocument>;
  readonly #newParts: InsertIfAbsent<PartDocument>;
  readonly #reader: DocumentReader;
  readonly #partReader: DocumentReader;

  /** @param now milliseconds since the epoch */
  constructor({ connection }: MongoConnection, now: () => number, onUnreadable: OnUnreadable) {
    const batches = connection.collection<BatchDocument>("key_batches");
    const parts = connection.collection<PartDocument>("key_batch_parts");
    this.#connection = connection;
    this.#now = now;
    this.#batches = batches;
    this.#parts = parts;
    this.#found = new FindById(connection, batches);
    this.#foundParts = new FindById(connection, parts);
    this.#entries = new InsertIfAbsent((entries) => batches.insertMany(entries, { ordered: false }));
    this.#newParts = new InsertIfAbsent((entries) => parts.insertMany(entries, { ordered: false }));
    this.#reader = new DocumentReader("key_batches", onUnreadable);
    this.#partReader = new DocumentReader("key_batch_parts", onUnreadable);
  }

  async begin(
    { job, owner, change }: Pick<KeyBatch, "job" | "owner" | "change">,
    source: AsyncIterable<readonly number[]>,
  ) {
    if ((await this.#found.find(job)) !== null) return;
    const [series, created_at] = [randomUUID(), Math.floor(this.#now() / 1_000)];
    let [total, parts] = [0, 0];
    for await (const keyIds of source) {
      await this.#newParts.insert({ _id: partId(series, parts), key_ids: [...keyIds], created_at });
      total += keyIds.length;
      parts += 1;
    }
    const begun = { next: 0, done: 0, failed: 0, errors: [], is_done: parts === 0, created_at };
    await this.#entries.insert({ _id: job, series, owner, change, total, parts, ...begun });
  }

  async find(job: string): Promise<KeyBatch | null> {
    const document = await this.#found.find(job);
    return document === null ? null : toBatch(this.#reader.one(batchDocument, document));
  }

  async findUnfinished(): Promise<string[]> {
    return storeErrors(async () => {
      const found = this.#batches.find({ is_done: false }, LONG_READ).project<{ _id: string }>({ _id: 1 });
      return (await found.toArray()).map(({ _id }) => _id);
    });
  }

  async nextPart({ job, next }: KeyBatch): Promise<readonly number[]> {
    const batch = await this.#found.find(job);
    const part = batch === null ? null : await this.#foundParts.find(partId(batch.series, next));
    return part === null ? [] : this.#partReader.one(partDocument, part).key_ids;
  }

  async advance(batch: KeyBatch, { done, errors }: PartEnd): Promise<void> {
    const kept = [...batch.errors, ...errors].slice(0, MOST_BATCH_ERRORS);
    const after = {
      next: batch.next + 1,
      is_done: batch.next + 1 >= batch.parts,
      done: batch.done + done,
      failed: batch.failed + errors.length,
      errors: kept.map(({ keyId, detail }) => ({ key_id: keyId, detail })),
    };
    await storeErrors(() => this.#batches.updateOne({ _id: batch.job, next: batch.next }, { $set: after }));
  }

  async drop(before: number): Promise<void> {
    const old = { created_at: { $lt: before } };
    const batches = await storeErrors(() => this.#batches.find({ ...old, is_done: true }, LONG_READ).toArray());
    // Also of batches of which nothing says that they are done.
    const kept = await storeErrors(() => this.#batches.find({ is_done: { $ne: true } }, LONG_READ).toArray());
    const parts = await storeErrors(() =>
      this.#parts.find(old, LONG_READ).project<{ _id: string }>({ _id: 1 }).toArray(),
    );
    const series = new Set(kept.map((batch) => batch.series));
    const idle = parts.map(({ _id }) => _id).filter((id) => !series.has(id.slice(0, id.indexOf(":"))));
    await removeMany(this.#connection, this.#parts, idle);
    const ids = batches.map(({ _id }) => _id);
    await removeMany(this.#connection, this.#batches, ids);
  }
}

function partId(series: string, part: number): string {
  return `${series}:${part}`;
}

function toBatch({ _id: job, owner, change, total, parts, next, done, failed, errors }: BatchDocument): KeyBatch {
  const known = errors.map(({ key_id: keyId, detail }) => ({ keyId, detail }));
  return { job, owner, change, total, parts, next, done, failed, errors: known };
}
