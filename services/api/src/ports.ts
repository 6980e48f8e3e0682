import type { JobClient } from "@veil/job-contract";
import type { KeyRecord } from "@veil/key-lifecycle";

/** What the API asks of the queues. */
export type Jobs = Pick<JobClient, "submit" | "awaitResult">;

/** The read-only view of keys. Every method throws StoreUnavailableError while the store is away. */
export interface KeyReader {
  find(keyId: number): Promise<KeyRecord | null>;
  /** The key that a create job decided, null while it has decided nothing. */
  findByCreateJob(job: string): Promise<KeyRecord | null>;
  /** Active keys in ascending order of their ids, read as they are consumed. */
  listActive(): AsyncIterable<KeyRecord>;
}

/** Bytes that a key moved, and when they were read from Xray. */
export interface TrafficFigures {
  readonly upload: number;
  readonly download: number;
  /** Unix seconds. */
  readonly lastUpdated: number;
}

/** The read-only view of stored traffic. Throws StoreUnavailableError while the store is away. */
export interface TrafficReader {
  /** Null for a key that has no record yet. */
  find(keyId: number): Promise<TrafficFigures | null>;
}

/** What callers are shown of a key. */
export type KeyFacts = Pick<KeyRecord, "keyId" | "uuid" | "name" | "createdAt">;

/** @throws LinkNotConfiguredError when the server's settings don't suffice for a link */
export type ShareLinkOf = (key: KeyFacts) => string;

/** The part of a pino logger that the API uses. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: Record<string, unknown>): Logger;
}

/** The request on whose behalf something is done. */
export interface RequestScope {
  readonly requestId: string;
  /** Names the request in every line. */
  readonly log: Logger;
}
