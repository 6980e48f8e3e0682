import { QueueUnavailableError } from "@veil/job-contract";
import { TimeLimitError, withinTime } from "@veil/service-runtime";
import type { VisibleKeys } from "../keys/visible-keys.ts";
import type { RequestScope, TrafficFigures, TrafficReader } from "../ports.ts";
import { nothingYet } from "./list-traffic.ts";
import type { WritePorts } from "../writes/write-ports.ts";

export interface GetTrafficPorts extends Pick<WritePorts, "jobs" | "clock" | "newId"> {
  readonly visibleKeys: Pick<VisibleKeys, "get">;
  readonly traffic: Pick<TrafficReader, "find">;
  /** How long a reader waits for fresh figures before the stored ones are answered. */
  readonly refreshWaitMs: number;
}

/**
 * The traffic of a key: read from Xray if that is wanted and it answers in time, from the store otherwise.
 *
 * @throws KeyNotFoundError, StoreUnavailableError
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
  const verdict = await jobs.awaitResult("refresh-traffic", job, deadline - clock.now());
  if (verdict.state !== "finished" || verdict.result.outcome !== "fresh") return null;
  const { upload, download, last_updated } = verdict.result;
  return { upload, download, lastUpdated: last_updated };
}
