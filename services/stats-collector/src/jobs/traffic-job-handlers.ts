import type { JobHandlers } from "@veil/job-queue";
import { StoreUnavailableError } from "@veil/keys";
import type { Clock } from "@veil/runtime";
import { countOnline, readOnline, type ReadOnlineOptions } from "./read-online.ts";
import type { TrafficRefresher } from "./refresh-traffic.ts";
import { type ResetOptions, resetTraffic } from "./reset-traffic.ts";
import { type SyncAllOptions, syncAll } from "./sync-all.ts";

export interface TrafficJobOptions {
  readonly refresher: Pick<TrafficRefresher, "refresh">;
  readonly reset: ResetOptions;
  readonly sync: SyncAllOptions;
  readonly online: ReadOnlineOptions;
  readonly clock: Pick<Clock, "now">;
  /** Called once a key's traffic is reset, before its caller hears of it: a limit may have ended. What it throws asks for another attempt. */
  readonly onReset: (keyId: number) => Promise<void>;
}

/** What the collector does with each job of the traffic queue. */
export function trafficJobHandlers({
  refresher,
  reset,
  sync,
  online,
  clock,
  onReset,
}: TrafficJobOptions): JobHandlers<"veil-traffic"> {
  return {
    "refresh-traffic": async ({ key_id, deadline }) => {
      if (clock.now() >= deadline) return { outcome: "stale" };
      try {
        return await refresher.refresh(key_id);
      } catch (error) {
        // The caller asks the store next, and says itself what it finds.
        if (error instanceof StoreUnavailableError) return { outcome: "stale" };
        throw error;
      }
    },

    "reset-traffic": async ({ key_id, owner, deadline }, { jobId }) => {
      const result = await resetTraffic({ keyId: key_id, owner, job: jobId, deadline }, reset);
      if (result.outcome === "reset") await onReset(key_id);
      return result;
    },

    "read-online": async ({ key_id, deadline }) =>
      clock.now() >= deadline ? { outcome: "stale" } : readOnline(key_id, deadline, online),

    "count-online": async ({ owner, deadline }) => {
      if (clock.now() >= deadline) return { outcome: "stale" };
      try {
        return await countOnline({ owner, deadline }, online);
      } catch (error) {
        if (error instanceof StoreUnavailableError) return { outcome: "stale" };
        throw error;
      }
    },

    "sync-traffic": async ({ owner }) => ({ outcome: "synced", ...(await syncAll(sync, { owner })) }),
  };
}
