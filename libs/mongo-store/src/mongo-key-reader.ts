import type { KeyPage, KeyReader, KeyRecord } from "@veil/key-lifecycle";
import type { mongo } from "mongoose";
import pLimit from "p-limit";
import type { MongoConnection } from "./connect-mongo.ts";
import { creationSchema, type KeyDocument, keySchema, toKeyRecord, visibleFilter } from "./documents.ts";
import { FindById } from "./find-by-id.ts";
import { findsManyByIndex } from "./finds-many-by-index.ts";
import { CoalescedCalls } from "@veil/gathered-calls";
import { longRead } from "./long-read.ts";
import { OlderFlow } from "./older-flow.ts";
import { storeErrors } from "./store-errors.ts";

const readAtOnce = 2_000;
const idsAtOnce = 10_000;
/** What such an engine does before it gives the first document costs it a processor each. */
const openedAtOnce = 4;

/** The API's read-only view of keys. Every method throws StoreUnavailableError while MongoDB is away. */
export class MongoKeyReader implements KeyReader {
  readonly #keys;
  readonly #creations;
  readonly #documents: mongo.Collection<KeyDocument>;
  readonly #found: FindById<KeyDocument>;
  readonly #openings = pLimit(openedAtOnce);
  readonly #count: CoalescedCalls<null, number>;
  readonly #olderFlow: OlderFlow;

  constructor(mongo: MongoConnection, olderFlow = new OlderFlow(mongo)) {
    this.#olderFlow = olderFlow;
    const { connection } = mongo;
    this.#keys = connection.model("Key", keySchema);
    this.#creations = connection.model("Creation", creationSchema);
    this.#documents = connection.collection<KeyDocument>(this.#keys.collection.collectionName);
    this.#found = new FindById(this.#documents, () => findsManyByIndex(connection));
    this.#count = new CoalescedCalls(
      async (asked) => {
        const count = await this.#documents.countDocuments(visibleFilter);
        return asked.map(() => count);
      },
      { largest: Number.POSITIVE_INFINITY },
    );
  }

  async find(keyId: number): Promise<KeyRecord | null> {
    const found = await this.#found.find(String(keyId));
    return found === null ? null : this.#recordOf(found);
  }

  /** Those of the keys that there are, by their ids. */
  async findMany(keyIds: readonly number[]): Promise<Map<number, KeyRecord>> {
    const found = await storeErrors(() => this.#keys.find({ _id: { $in: keyIds.map(String) } }).lean());
    return new Map((await this.#records(found)).map((key) => [key.keyId, key]));
  }

  /** @param uuid lower case */
  async findByUuid(uuid: string): Promise<KeyRecord | null> {
    const found = await storeErrors(() => this.#keys.findOne({ uuid }).lean());
    return found === null ? null : this.#recordOf(found);
  }

  /** The key that a create job made, null when it has made none. */
  async findByCreateJob(job: string): Promise<KeyRecord | null> {
    const claim = await storeErrors(() => this.#creations.findById(job).lean());
    const keyId = claim?.key_id ?? null;
    return keyId === null ? null : this.find(keyId);
  }

  /** The keys that create jobs made, by their jobs. */
  async findByCreateJobs(jobs: readonly string[]): Promise<Map<string, KeyRecord>> {
    const claims = await storeErrors(() => this.#creations.find({ _id: { $in: [...jobs] } }).lean());
    const keyIds = claims.map(({ key_id }) => key_id).filter((keyId) => keyId !== null);
    const keys = await this.findMany(keyIds);
    return new Map(
      claims.flatMap(({ _id: job, key_id: keyId }): [string, KeyRecord][] => {
        const key = keyId === null ? undefined : keys.get(keyId);
        return key === undefined ? [] : [[job, key]];
      }),
    );
  }

  /** Active keys in ascending order of their ids, in groups, read as they are consumed. */
  async *listActive(page: KeyPage = {}): AsyncGenerator<readonly KeyRecord[]> {
    for await (const group of this.#groups(page, {}, readAtOnce)) yield this.#records(group);
  }

  /** Ids of active keys in ascending order, with their create jobs: a tenth of what {@link listActive} reads. */
  async *listActiveIds(page: KeyPage = {}): AsyncGenerator<readonly Pick<KeyRecord, "keyId" | "job">[]> {
    for await (const group of this.#groups(page, { _id: 0, key_id: 1, job: 1 }, idsAtOnce)) {
      yield group.map(({ key_id, job }) => ({ keyId: key_id, job }));
    }
  }

  /** Counts that are asked for while one is under way share the next one. */
  async countActive(): Promise<number> {
    return storeErrors(() => this.#count.ask(null));
  }

  async #records(documents: readonly KeyDocument[]): Promise<KeyRecord[]> {
    const olderFlow = await storeErrors(() => this.#olderFlow.among(documents));
    return documents.map((document) => toKeyRecord(document, olderFlow));
  }

  async #recordOf(document: KeyDocument): Promise<KeyRecord> {
    return toKeyRecord(document, await storeErrors(() => this.#olderFlow.among([document])));
  }

  /** Whatever the driver has taken in is handed on together: a step for every document would cost more than reading it. */
  async *#groups(
    { after, limit = 0 }: KeyPage,
    projection: Record<string, 0 | 1>,
    size: number,
  ): AsyncGenerator<KeyDocument[]> {
    const filter = { ...visibleFilter, ...(after !== undefined && { key_id: { $gt: after } }) };
    const options = { projection, ...longRead };
    const cursor = await storeErrors(async () =>
      this.#documents.find(filter, options).sort({ key_id: 1 }).limit(limit).batchSize(size),
    );
    try {
      let hasNext = await storeErrors(() => this.#openings(() => cursor.hasNext()));
      while (hasNext) {
        yield cursor.readBufferedDocuments();
        hasNext = await storeErrors(() => cursor.hasNext());
      }
    } finally {
      await cursor.close();
    }
  }
}
