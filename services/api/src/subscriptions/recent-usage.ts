import { tryRead } from "@veil/keys";
import type { UsagePeriod } from "@veil/subscriptions";
import { keyEntity, type TrafficStore, type Usage, type UsageStep, type UsageStore, usageOf } from "@veil/traffic";

const DAY_SECONDS = 24 * 3_600;
const SHOWN_DAYS = 31;
/** Fewer than hours are kept for. */
const DAYS_IN_HOURS = 5;

interface UsagePorts {
  readonly traffic: Pick<TrafficStore, "find">;
  readonly usage: Pick<UsageStore, "readUsage">;
}

/**
 * A key's traffic of the last 31 days, for a page that shows days of any time zone: by hours while these are kept, by
 * days of UTC before. Such a day stands at its noon, which most time zones count to the same date. Nothing is shown of what
 * makes no sense.
 *
 * @param now unix seconds
 * @throws {StoreUnavailableError} while the store is unavailable
 */
export async function recentUsage(keyId: number, now: number, { traffic, usage }: UsagePorts): Promise<UsagePeriod[]> {
  const entity = keyEntity(keyId);
  const found = await tryRead(() => Promise.all([traffic.find(entity), usage.readUsage(entity)]));
  const [record, history] = found === "unreadable" ? [null, null] : found;
  const midnight = now - (now % DAY_SECONDS);
  const hoursFrom = midnight - DAYS_IN_HOURS * DAY_SECONDS;
  const part = (from: number, to: number, step: UsageStep) => usageOf(record, history, { from, to, step });
  return [
    ...part(midnight - SHOWN_DAYS * DAY_SECONDS, hoursFrom, "day").map(periodAt(DAY_SECONDS / 2)),
    ...part(hoursFrom, now + 1, "hour").map(periodAt(0)),
  ];
}

function periodAt(offset: number): (usage: Usage) => UsagePeriod {
  return ({ at, up, down }) => ({ at: at + offset, upload: up, download: down });
}
