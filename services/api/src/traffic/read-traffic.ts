import type { TrafficBody } from "@veil/http-contract";
import { QueueUnavailableError } from "@veil/job-queue";
import { type Clock, type KeyRecord, usedTraffic } from "@veil/keys";
import { TimeLimitError, withinTime } from "@veil/runtime";
import type { CallerKeys } from "../caller-keys.ts";
import type { WritePorts } from "../jobs/run-write-job.ts";
import type { KeyPage, RequestScope, TrafficFigures, TrafficReader, VisibleKeyReader } from "../ports.ts";
import { jsonListChunks, listReply } from "../reply/list-reply.ts";
import type { ListReply } from "../reply/reply.ts";

export interface GetTrafficPorts extends Pick<WritePorts, "jobs" | "clock" | "newId"> {
  readonly visibleKeys: Pick<VisibleKeyReader, "get">;
  readonly traffic: Pick<TrafficReader, "find">;
  /** How long a reader waits for fresh figures before the stored ones are answered, in milliseconds. */
  readonly refreshWaitMs: number;
}

/**
 * The traffic of a key: read from Xray if that is wanted and it answers in time, from the store otherwise.
 *
 * @throws {KeyNotFoundError} when there is no such key
 * @throws {StoreUnavailableError} while the store is unavailable
 */
export async function getTraffic(
  keyId: number,
  { refresh }: { readonly refresh: boolean },
  scope: RequestScope,
  ports: GetTrafficPorts,
): Promise<CountedTraffic> {
  const key = await ports.visibleKeys.get(keyId);
  if (refresh) await refreshTraffic(keyId, scope, ports);
  return countedTraffic(key, await ports.traffic.find(keyId), ports.clock.now());
}

/** Bytes since the last reset, and when they were read from Xray. */
export interface CountedTraffic {
  readonly upload: number;
  readonly download: number;
  /** Unix seconds. */
  readonly lastUpdated: number;
}

/** The key's traffic that counts. @param now milliseconds since the epoch */
export function countedTraffic(
  { terms, createdAt }: Pick<KeyRecord, "terms" | "createdAt">,
  figures: TrafficFigures | null,
  now: number,
): CountedTraffic {
  if (figures === null) return { upload: 0, download: 0, lastUpdated: createdAt };
  return { ...usedTraffic(terms, figures, now), lastUpdated: figures.lastUpdated };
}

/** Has the store hold what Xray counts now, unless that takes too long. */
async function refreshTraffic(keyId: number, scope: RequestScope, ports: GetTrafficPorts): Promise<void> {
  try {
    await withinTime(askCollector(keyId, scope, ports), ports.refreshWaitMs);
  } catch (error) {
    if (!(error instanceof QueueUnavailableError || error instanceof TimeLimitError)) throw error;
    scope.log.warn({ key_id: keyId, err: error }, "traffic could not be refreshed");
  }
}

async function askCollector(
  keyId: number,
  { requestId }: RequestScope,
  { jobs, clock, newId, refreshWaitMs }: GetTrafficPorts,
): Promise<void> {
  const job = `refresh-${newId()}`;
  const deadline = clock.now() + refreshWaitMs;
  const payload = { key_id: keyId, deadline, request_id: requestId };
  await jobs.submit("refresh-traffic", job, payload, { isFresh: true });
  await jobs.awaitResult("refresh-traffic", job, deadline - clock.now());
}

export interface ListTrafficPorts {
  readonly keys: CallerKeys;
  readonly visibleKeys: Pick<VisibleKeyReader, "list">;
  readonly traffic: Pick<TrafficReader, "findMany">;
  readonly clock: Pick<Clock, "now">;
}

/** The stored traffic of all keys, or of a page of them. A list too long to be buffered has no tag: it changes all the time. */
export function listTraffic(page: KeyPage | null, ports: ListTrafficPorts): ListReply {
  const total = page === null ? null : () => ports.keys.countActive();
  const read = () => jsonListChunks("traffic", bodies(page ?? {}, ports), total);
  return listReply(
    () => ({ chunks: read(), tag: () => null }),
    async () => ({ tag: null, chunks: read() }),
  );
}

async function* bodies(
  page: KeyPage,
  { visibleKeys, traffic, clock }: ListTrafficPorts,
): AsyncGenerator<TrafficBody[]> {
  for await (const part of withTraffic(visibleKeys.list(page), traffic)) {
    const now = clock.now();
    yield part.map(({ key, figures }) => trafficBody(key.keyId, countedTraffic(key, figures, now)));
  }
}

/** The answer about a key's traffic. */
export function trafficBody(keyId: number, { upload, download, lastUpdated }: CountedTraffic): TrafficBody {
  return { key_id: keyId, upload, download, total: upload + download, last_updated: lastUpdated };
}

/** A key and what it has moved; null for one that was never counted. */
interface KeyWithTraffic {
  readonly key: KeyRecord;
  readonly figures: TrafficFigures | null;
}

/** An engine without the right index reads all records for each part, so parts are large. */
const JOINED_AT_ONCE = 20_000;

/** Joins a list of keys with their traffic, many at a time. */
export async function* withTraffic(
  groups: AsyncIterable<readonly KeyRecord[]>,
  traffic: Pick<TrafficReader, "findMany">,
): AsyncGenerator<KeyWithTraffic[]> {
  let part: KeyRecord[] = [];
  for await (const group of groups) {
    part.push(...group);
    if (part.length < JOINED_AT_ONCE) continue;
    yield await joined(part, traffic);
    part = [];
  }
  if (part.length > 0) yield await joined(part, traffic);
}

async function joined(keys: readonly KeyRecord[], traffic: Pick<TrafficReader, "findMany">): Promise<KeyWithTraffic[]> {
  const figures = await traffic.findMany(keys.map(({ keyId }) => keyId));
  return keys.map((key) => ({ key, figures: figures.get(key.keyId) ?? null }));
}
