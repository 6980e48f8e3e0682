import type { KeyOnlineBody, OnlineBody } from "@veil/http-contract";
import type { JobName, JobPayload, JobResult, OnlineSilence } from "@veil/job-contract";
import { isCountedOnline } from "@veil/traffic";
import { LRUCache } from "lru-cache";
import type { CallerKeys } from "../caller-keys.ts";
import { askJob } from "../jobs/ask-job.ts";
import type { WritePorts } from "../jobs/run-write-job.ts";
import { shownFigures } from "../shown-figures.ts";
import type { Logger, RequestScope, TrafficReader, VisibleKeyReader } from "../ports.ts";

export interface ReadOnlinePorts extends Pick<WritePorts, "jobs" | "clock" | "newId"> {
  readonly visibleKeys: Pick<VisibleKeyReader, "get">;
  readonly traffic: Pick<TrafficReader, "find" | "online">;
  readonly log: Logger;
  /** Names of the nodes that there are at each moment, in their order. */
  readonly nodeNames: () => readonly string[];
  /** How long a reader waits for the nodes, in milliseconds. */
  readonly refreshWaitMs: number;
}

type OnlineCountPorts = Omit<ReadOnlinePorts, "visibleKeys">;

type Silence = OnlineSilence | "no-collector";

const DETAILS: Readonly<Record<Silence, string>> = {
  unreachable: "the node did not answer",
  uncounted: "the node's policy lacks statsUserOnline",
  unsupported: "this version of Xray keeps no addresses",
  "no-collector": "the collector did not answer",
};

/**
 * From where a key is connected. Nodes that don't answer in time are left out, and never an error.
 *
 * @throws {KeyNotFoundError} when there is no such key
 * @throws {StoreUnavailableError} while the store is unavailable
 */
export async function readKeyOnline(
  keyId: number,
  { requestId }: Pick<RequestScope, "requestId">,
  ports: ReadOnlinePorts,
): Promise<KeyOnlineBody> {
  await ports.visibleKeys.get(keyId);
  const payload = { key_id: keyId, deadline: deadlineOf(ports), request_id: requestId };
  const [result, figures] = await Promise.all([
    askCollector("read-online", payload, ports),
    shownFigures(keyId, ports.traffic),
  ]);
  const answers = result?.outcome === "read" ? result.nodes : silentNodes(ports);
  const nodes = answers.map((node) => {
    if (node.state !== "read") return { name: node.name, online: null, addresses: null, detail: DETAILS[node.state] };
    return { name: node.name, online: node.addresses.length > 0, addresses: [...node.addresses], detail: null };
  });
  const known = nodes.flatMap(({ addresses }) => (addresses === null ? [] : [addresses]));
  const onlineAt = figures?.lastCountedAt ?? null;
  return {
    key_id: keyId,
    online: nodes.some(({ online }) => online === true) || isCountedOnline(onlineAt, ports.clock.now()),
    addresses: known.length === 0 ? null : [...new Set(known.flat())].toSorted(),
    online_at: onlineAt,
    nodes,
  };
}

/** Each look asks every node for all of its users. */
const KEPT_MS = 2_000;
const MOST_OWNERS = 1_000;

interface Asker {
  readonly requestId: string;
  readonly keys: Pick<CallerKeys, "owner" | "countAmong">;
}

/** How many of a caller's keys are connected: found out once for all of one owner who ask meanwhile, and kept for a moment. */
export class OnlineCounts {
  readonly #ports: OnlineCountPorts;
  readonly #kept = new LRUCache<string, OnlineBody, Asker>({
    max: MOST_OWNERS,
    ttl: KEPT_MS,
    fetchMethod: (_key, _stale, { context }) => this.#count(context),
  });

  constructor(ports: OnlineCountPorts) {
    this.#ports = ports;
  }

  /** @throws {StoreUnavailableError} while the store is unavailable */
  read({ requestId }: Pick<RequestScope, "requestId">, keys: Asker["keys"]): Promise<OnlineBody> {
    return this.#kept.forceFetch(JSON.stringify(keys.owner), { context: { requestId, keys } });
  }

  async #count({ requestId, keys }: Asker): Promise<OnlineBody> {
    const { traffic, clock } = this.#ports;
    const payload = { owner: keys.owner, deadline: deadlineOf(this.#ports), request_id: requestId };
    const result = await askCollector("count-online", payload, this.#ports);
    if (result?.outcome !== "counted") {
      const nodes = silentNodes(this.#ports).map(({ name, state }) => ({ name, online: null, detail: DETAILS[state] }));
      return { online: await keys.countAmong(await traffic.online(clock.now())), nodes };
    }
    const nodes = result.nodes.map((node) =>
      node.state === "read"
        ? { name: node.name, online: node.online, detail: null }
        : { name: node.name, online: null, detail: DETAILS[node.state] },
    );
    return { online: result.online, nodes };
  }
}

function deadlineOf({ clock, refreshWaitMs }: OnlineCountPorts): number {
  return clock.now() + refreshWaitMs;
}

function silentNodes({ nodeNames }: OnlineCountPorts): { readonly name: string; readonly state: "no-collector" }[] {
  return nodeNames().map((name) => ({ name, state: "no-collector" }));
}

/** @returns null when there is no result in time */
async function askCollector<N extends Extract<JobName, "read-online" | "count-online">>(
  name: N,
  payload: JobPayload<N>,
  { jobs, newId, refreshWaitMs, log }: OnlineCountPorts,
): Promise<JobResult<N> | null> {
  const asked = await askJob({ name, jobId: `${name}-${newId()}`, payload, waitMs: refreshWaitMs }, jobs);
  if (asked.state === "unasked") log.warn({ err: asked.err }, "the collector could not be asked who is online");
  return asked.state === "finished" ? asked.result : null;
}
