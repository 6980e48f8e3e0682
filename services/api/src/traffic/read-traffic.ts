import type { TrafficBody } from "@veil/http-contract";
import { QueueUnavailableError } from "@veil/job-queue";
import { TimeLimitError, withinTime } from "@veil/runtime";
import type { WritePorts } from "../jobs/run-write-job.ts";
import type {
  KeyFacts,
  KeyPage,
  KeyReader,
  RequestScope,
  TrafficFigures,
  TrafficReader,
  VisibleKeyReader,
} from "../ports.ts";
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
): Promise<TrafficFigures> {
  const key = await ports.visibleKeys.get(keyId);
  const fresh = refresh ? await readFresh(keyId, scope, ports) : null;
  return fresh ?? (await ports.traffic.find(keyId)) ?? nothingYet(key);
}

async function readFresh(keyId: number, scope: RequestScope, ports: GetTrafficPorts): Promise<TrafficFigures | null> {
  try {
    return await withinTime(askCollector(keyId, scope, ports), ports.refreshWaitMs);
  } catch (error) {
    if (!(error instanceof QueueUnavailableError || error instanceof TimeLimitError)) throw error;
    scope.log.warn({ key_id: keyId, err: error }, "traffic could not be refreshed");
    return null;
  }
}

async function askCollector(
  keyId: number,
  { requestId }: RequestScope,
  { jobs, clock, newId, refreshWaitMs }: GetTrafficPorts,
): Promise<TrafficFigures | null> {
  const job = `refresh-${newId()}`;
  const deadline = clock.now() + refreshWaitMs;
  const payload = { key_id: keyId, deadline, request_id: requestId };
  await jobs.submit("refresh-traffic", job, payload, { isFresh: true });
  const ended = await jobs.awaitResult("refresh-traffic", job, deadline - clock.now());
  if (ended.state !== "finished" || ended.result.outcome !== "fresh") return null;
  const { upload, download, last_updated } = ended.result;
  return { upload, download, lastUpdated: last_updated };
}

export interface ListTrafficPorts {
  readonly keys: Pick<KeyReader, "countActive">;
  readonly visibleKeys: Pick<VisibleKeyReader, "list">;
  readonly traffic: Pick<TrafficReader, "findMany">;
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

async function* bodies(page: KeyPage, { visibleKeys, traffic }: ListTrafficPorts): AsyncGenerator<TrafficBody[]> {
  for await (const keys of visibleKeys.list(page)) {
    const figures = await traffic.findMany(keys.map(({ keyId }) => keyId));
    yield keys.map((key) => trafficBody(key.keyId, figures.get(key.keyId) ?? nothingYet(key)));
  }
}

/** What is answered of a key's traffic. */
export function trafficBody(keyId: number, { upload, download, lastUpdated }: TrafficFigures): TrafficBody {
  return { key_id: keyId, upload, download, total: upload + download, last_updated: lastUpdated };
}

/** The traffic of a key without a record. */
function nothingYet({ createdAt }: Pick<KeyFacts, "createdAt">): TrafficFigures {
  return { upload: 0, download: 0, lastUpdated: createdAt };
}
