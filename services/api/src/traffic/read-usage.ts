import type { StatsBody, UsageBody, UsageQuery } from "@veil/http-contract";
import type { Clock } from "@veil/keys";
import { LRUCache } from "lru-cache";
import type { CallerKeys } from "../caller-keys.ts";
import type { TrafficReader, Usage, UsageRange, VisibleKeyReader } from "../ports.ts";

const HOUR_S = 3_600;
const DAY_S = 86_400;
/** The longest range of one answer, and the range of an answer about a past that is not named. */
const LONGEST_S = { hour: 7 * DAY_S, day: 3_660 * DAY_S } as const;
const USUAL_S = { hour: 24 * HOUR_S, day: 30 * DAY_S } as const;

export interface ReadUsagePorts {
  readonly visibleKeys: Pick<VisibleKeyReader, "get">;
  readonly traffic: Pick<TrafficReader, "usage">;
  readonly clock: Pick<Clock, "now">;
}

/**
 * A key's traffic in each hour or day.
 *
 * @throws {KeyNotFoundError} when there is no such key
 * @throws {StoreUnavailableError} while the store is unavailable
 */
export async function readUsage(keyId: number, query: UsageQuery, ports: ReadUsagePorts): Promise<UsageBody> {
  const { createdAt } = await ports.visibleKeys.get(keyId);
  const range = rangeOf(query, createdAt, Math.floor(ports.clock.now() / 1_000));
  return { key_id: keyId, step: query.step, usage: shown(await ports.traffic.usage(keyId, range)) };
}

function rangeOf({ from, to, step }: UsageQuery, createdAt: number, now: number): UsageRange {
  const until = Math.min(to ?? now + 1, now + 1);
  const first = from ?? until - USUAL_S[step];
  return { from: Math.max(first, createdAt, until - LONGEST_S[step]), to: until, step };
}

export interface StatsPorts {
  readonly traffic: Pick<TrafficReader, "online" | "usageOfAll" | "usageOfKeys">;
  readonly clock: Pick<Clock, "now">;
}

/** Each look reads every key that counts. */
const STATS_KEPT_MS = 10_000;
const MOST_OWNERS = 1_000;

/** The figures of the whole system, or of one owner's keys: made once for all who ask meanwhile, and kept for a while. */
export class Stats {
  readonly #ports: StatsPorts;
  readonly #kept = new LRUCache<string, StatsBody, CallerKeys>({
    max: MOST_OWNERS,
    ttl: STATS_KEPT_MS,
    fetchMethod: (_owner, _stale, { context }) => this.#make(context),
  });

  constructor(ports: StatsPorts) {
    this.#ports = ports;
  }

  /** @throws {StoreUnavailableError} while the store is unavailable */
  async read(keys: CallerKeys): Promise<StatsBody> {
    return this.#kept.forceFetch(JSON.stringify(keys.owner), { context: keys });
  }

  async #make(keys: CallerKeys): Promise<StatsBody> {
    const { traffic, clock } = this.#ports;
    const now = Math.floor(clock.now() / 1_000);
    const range = { from: now - 29 * DAY_S, to: now + 1, step: "day" } as const;
    const isOfAll = keys.owner === null;
    const [{ byStatus, byGroup }, online, usage] = await Promise.all([
      keys.summarize(),
      traffic.online(clock.now()).then((counted) => keys.countAmong(counted)),
      isOfAll ? traffic.usageOfAll(range) : traffic.usageOfKeys(keys.listActiveIds(), range),
    ]);
    const total = Object.values(byStatus).reduce((sum, some) => sum + some, 0);
    const groups = [...byGroup].map(([name, some]) => ({ name, keys: some }));
    return {
      keys: { total, ...byStatus },
      online,
      traffic: shown(usage),
      groups: groups.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    };
  }
}

function shown(usage: readonly Usage[]): Usage[] {
  return usage.map(({ at, upload, download }) => ({ at, upload, download }));
}
