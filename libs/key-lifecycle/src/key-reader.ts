import type { KeyRecord } from "./access-key.ts";

/** The read-only view of keys. Every method throws StoreUnavailableError while the store is away. */
export interface KeyReader {
  /** Sees everything that was acknowledged before the call. Null when there is no such key. */
  find(keyId: number): Promise<KeyRecord | null>;
  /** Those of the keys that there are, by their ids. */
  findMany(keyIds: readonly number[]): Promise<ReadonlyMap<number, KeyRecord>>;
  /** The key of a UUID in lower case. */
  findByUuid(uuid: string): Promise<KeyRecord | null>;
  /** The key that a create job decided, null while it has decided nothing. */
  findByCreateJob(job: string): Promise<KeyRecord | null>;
  /** {@link findByCreateJob} of many jobs, by their ids; a job that has decided nothing is missing. */
  findByCreateJobs(jobs: readonly string[]): Promise<ReadonlyMap<string, KeyRecord>>;
  /** Active keys in ascending order of their ids, in groups, read as they are consumed. */
  listActive(page?: KeyPage): AsyncIterable<readonly KeyRecord[]>;
  /** Ids of active keys in ascending order, with their create jobs, in groups: a tenth of what {@link listActive} reads. */
  listActiveIds(page?: KeyPage): AsyncIterable<readonly Pick<KeyRecord, "keyId" | "job">[]>;
  countActive(): Promise<number>;
}

/** A part of an ascending list: at most `limit` entries with ids above `after`. */
export interface KeyPage {
  readonly limit?: number;
  readonly after?: number;
}
