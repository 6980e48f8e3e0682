import type { KeyRecord } from "@veil/key-lifecycle";
import type { MongoConnection } from "./connect-mongo.ts";
import { creationSchema, keySchema, phaseNumber, toCreation, toKeyRecord } from "./documents.ts";
import { storeErrors } from "./store-errors.ts";

/** A page of keys: those after a key id, at most so many. */
export interface KeyPage {
  readonly after?: number;
  readonly limit?: number;
}

const readAtOnce = 1_000;
const idsAtOnce = 10_000;

/** The API's read-only view of keys. Every method throws StoreUnavailableError while MongoDB is away. */
export class MongoKeyReader {
  readonly #keys;
  readonly #creations;

  constructor({ connection }: MongoConnection) {
    this.#keys = connection.model("Key", keySchema);
    this.#creations = connection.model("Creation", creationSchema);
  }

  async find(keyId: number): Promise<KeyRecord | null> {
    const found = await storeErrors(() => this.#keys.findById(String(keyId)).lean());
    return found === null ? null : toKeyRecord(found);
  }

  /** Those of the keys that there are, by their ids. */
  async findMany(keyIds: readonly number[]): Promise<Map<number, KeyRecord>> {
    const found = await storeErrors(() => this.#keys.find({ _id: { $in: keyIds.map(String) } }).lean());
    return new Map(found.map((document) => [document.key_id, toKeyRecord(document)]));
  }

  /** @param uuid lower case */
  async findByUuid(uuid: string): Promise<KeyRecord | null> {
    const found = await storeErrors(() => this.#keys.findOne({ uuid }).lean());
    return found === null ? null : toKeyRecord(found);
  }

  /** The key that a create job made, null when it has made none. */
  async findByCreateJob(job: string): Promise<KeyRecord | null> {
    const claim = await storeErrors(() => this.#creations.findById(job).lean());
    const creation = claim === null ? null : toCreation(claim);
    return creation === null ? null : this.find(creation.keyId);
  }

  /** The keys that create jobs made, by their jobs. */
  async findByCreateJobs(jobs: readonly string[]): Promise<Map<string, KeyRecord>> {
    const claims = await storeErrors(() => this.#creations.find({ _id: { $in: [...jobs] } }).lean());
    const creations = claims.map(toCreation).filter((creation) => creation !== null);
    const keys = await this.findMany(creations.map(({ keyId }) => keyId));
    return new Map(
      creations.flatMap(({ job, keyId }): [string, KeyRecord][] => {
        const key = keys.get(keyId);
        return key === undefined ? [] : [[job, key]];
      }),
    );
  }

  /** Active keys in ascending order of their ids, read as they are consumed. */
  async *listActive(page: KeyPage = {}): AsyncGenerator<KeyRecord> {
    const query = this.#keys
      .find({ phase: phaseNumber("active"), ...(page.after !== undefined && { key_id: { $gt: page.after } }) })
      .sort({ key_id: 1 })
      .limit(page.limit ?? 0)
      .lean();
    const cursor = query.cursor({ batchSize: readAtOnce });
    try {
      while (true) {
        const document = await storeErrors(() => cursor.next());
        if (document === null) return;
        yield toKeyRecord(document);
      }
    } finally {
      await cursor.close();
    }
  }

  /** Ids of active keys in ascending order, with their create jobs: a tenth of what {@link listActive} reads. */
  async *listActiveIds(page: KeyPage = {}): AsyncGenerator<Pick<KeyRecord, "keyId" | "job">> {
    const cursor = this.#keys
      .find({ phase: phaseNumber("active"), ...(page.after !== undefined && { key_id: { $gt: page.after } }) })
      .select({ _id: 0, key_id: 1, job: 1 })
      .sort({ key_id: 1 })
      .limit(page.limit ?? 0)
      .lean()
      .cursor({ batchSize: idsAtOnce });
    try {
      while (true) {
        const document = await storeErrors(() => cursor.next());
        if (document === null) return;
        yield { keyId: document.key_id, job: document.job };
      }
    } finally {
      await cursor.close();
    }
  }

  async countActive(): Promise<number> {
    return storeErrors(() => this.#keys.countDocuments({ phase: phaseNumber("active") }));
  }
}
