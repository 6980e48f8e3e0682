import type { PageQuery } from "@veil/http-contract";
import type { JobClient } from "@veil/job-queue";
import type { KeyPage, KeyRecord, LinkedKey, MovedBytes, Viewer } from "@veil/keys";
import type { Connection } from "@veil/protocols";
import type { TokenRights } from "@veil/tokens";

export type { KeyFacts, KeyPage, KeyReader, RequestedAttributes } from "@veil/keys";

/** The part of the job client that writes use. */
export type Jobs = Pick<JobClient, "submit" | "awaitResult" | "retry" | "exists">;

/** The part of the job client that tells the progress of a job. */
export type JobWatch = Pick<JobClient, "progress">;

/** The part that a query asks for, null when it asks for no part. */
export function pageOf({ limit, after }: PageQuery): KeyPage | null {
  if (limit === undefined && after === undefined) return null;
  return { ...(limit !== undefined && { limit }), ...(after !== undefined && { after }) };
}

/** The keys that callers may see. Every method throws StoreUnavailableError while the store is unavailable. */
export interface VisibleKeyReader {
  /** @throws {KeyNotFoundError} when callers may see no key of this id */
  get(keyId: number): Promise<KeyRecord>;
  /** In ascending order of the ids, in groups, read as they are consumed. */
  list(page?: KeyPage): AsyncIterable<readonly KeyRecord[]>;
}

/** Bytes that a key has moved, and when they were read from Xray. Moments in unix seconds. */
export interface TrafficFigures extends MovedBytes {
  readonly lastUpdated: number;
  /** When bytes were first counted; null when none were, or when nobody noted it. */
  readonly firstCountedAt: number | null;
  readonly lastCountedAt: number | null;
}

/** The read-only view of stored traffic. Throws StoreUnavailableError while the store is unavailable. */
export interface TrafficReader {
  /** Null for a key that has no record yet. */
  find(keyId: number): Promise<TrafficFigures | null>;
  /** The figures of those of the keys that have a record. */
  findMany(keyIds: readonly number[]): Promise<ReadonlyMap<number, TrafficFigures>>;
  /** Ids of the keys whose bytes were counted of late. @param now milliseconds since the epoch */
  online(now: number): Promise<readonly number[]>;
  /** The key's bytes in each hour or day of a range, oldest first, also where it was nothing. */
  usage(keyId: number, range: UsageRange): Promise<readonly Usage[]>;
  /** {@link usage} of all nodes together, keys that are gone included. */
  usageOfAll(range: UsageRange): Promise<readonly Usage[]>;
  /** {@link usage} of some keys together. @param groups their ids, read as they are needed */
  usageOfKeys(groups: AsyncIterable<readonly number[]>, range: UsageRange): Promise<readonly Usage[]>;
}

/** From the hour or day (UTC) that holds `from` to the one before `to`. Unix seconds. */
export interface UsageRange {
  readonly from: number;
  readonly to: number;
  readonly step: "hour" | "day";
}

/** The bytes counted in one hour or day. */
export interface Usage {
  /** When it began. Unix seconds. */
  readonly at: number;
  readonly upload: number;
  readonly download: number;
}

/** The facts about a key that its links show. */
export type LinkedFacts = Pick<KeyRecord, "keyId" | "uuid" | "flow" | "name" | "terms">;

/**
 * The links of a key, none when no host of an active node is meant for it.
 *
 * @throws {LinkNotConfiguredError} when the server's settings don't suffice for a link
 */
export type ShareLinksOf = (key: LinkedFacts) => Promise<readonly ShareLink[]>;

/** Where a key's links lead at the moment, the first one first; null when no host is meant for it. */
export type KeyPlacesOf = (key: LinkedKey) => Promise<readonly KeyPlace[] | null>;

/** The facts that remarks tell beside the key's. */
export interface RemarkMoment {
  /** Whether it is that of the first link. */
  readonly isFirst: boolean;
  /** The key's traffic; null when it was never counted, or no remark tells of it. */
  readonly traffic: TrafficFigures | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A place where clients find one host, or several behind a load balancer. */
export interface KeyPlace {
  /** The node that it is called after. */
  readonly node: string;
  /** The inbounds that it leads to, by the names of their places. */
  readonly inbounds: readonly string[];
  /** Whether its remark tells what the key moved. */
  readonly tellsTraffic: boolean;
  /**
   * How clients connect with a key there.
   *
   * @throws {LinkNotConfiguredError} when the server's settings don't suffice for a link
   */
  readonly connectionOf: (key: LinkedFacts, moment: RemarkMoment) => Connection;
}

/** A way for clients to connect with a key. */
export interface ShareLink {
  /** The host that clients dial. */
  readonly host: string;
  readonly node: string;
  readonly protocol: string;
  /** The link's name in clients. */
  readonly remark: string;
  readonly link: string;
}

/** The part of a pino logger that the API uses. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: Record<string, unknown>): Logger;
}

/** Fields added to the request's access-log entry while it is handled. */
export interface RequestLogFields {
  jobId?: string;
  keyId?: number;
}

/** The sender of a request, and its rights. */
export interface Caller extends TokenRights {
  /** The name of the token or secret, or a secret's position counted from 1. */
  readonly label: string | number;
  /** The same for one token, and for one secret wherever it stands in the settings; reveals nothing of it. */
  readonly id: string;
  /** Requests per second; null for what everybody may make. */
  readonly rate: number | null;
}

/** @throws {Error} when a request without a caller came to where one is needed: a fault of the wiring */
export function callerOf({ caller }: Pick<RequestScope, "caller">): Caller {
  if (caller === undefined || caller === null) throw new Error("the request has no caller");
  return caller;
}

/** Sees no key: no owner is empty. */
const SEES_NONE: Viewer = { owner: "" };

/** Whose keys a request may know of; none when it has no caller. */
export function viewerOf({ caller }: Pick<RequestScope, "caller">): Viewer {
  return caller ?? SEES_NONE;
}

/** The request on whose behalf something is done. */
export interface RequestScope {
  readonly requestId: string;
  /** When it came in, in milliseconds since the epoch. */
  readonly receivedAt?: number;
  /** Where it came from; null or missing where that is not known. */
  readonly address?: string | null;
  readonly logFields?: RequestLogFields;
  /** The caller who sent it; null or missing where none is needed. */
  readonly caller?: Caller | null;
  /** Names the request in every line. */
  readonly log: Logger;
  /** Set when other requests may take part in the same write. */
  readonly attempt?: WriteAttempt;
}

/** A request's part in a write that others may take part in too: repeats of it, or questions about it. */
export interface WriteAttempt {
  /** Names the attempt: whoever takes part gives its job the same id. */
  readonly jobKey: string;
  /** When the attempt began, in milliseconds since the epoch: its deadline counts from here. */
  readonly startedAt: number;
  /** How long the write may take at least, in milliseconds: more than a caller waits where none does. */
  readonly leastDeadlineMs: number;
  /** True when no other request can have submitted the job before. */
  readonly isFirst: boolean;
  /** Whether a job that failed is delivered again: this is a repeat of the request, and does not only ask what became of it. */
  readonly retriesFailed: boolean;
  /** Called when the job is in the queue. */
  readonly onSubmitted: () => void;
  /**
   * Resolves when it is for this request, and no other, to resolve what became of the job.
   *
   * @throws {WriteCompletedError} with the outcome that another request stored
   * @throws {OutcomeUnknownError} when the record can't be read, or is gone
   */
  readonly becomeResolver: (jobId: string) => Promise<void>;
}
