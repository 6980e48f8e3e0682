import type { JobHandlers } from "@veil/job-queue";
import { StoreUnavailableError } from "@veil/keys";
import type { Clock } from "@veil/runtime";
import { XrayError } from "@veil/xray-grpc";
import { countOnline, readOnline, type ReadOnlineOptions } from "./read-online.ts";
import { DuplicateNodeError } from "../sync/duplicate-nodes.ts";
import type { NodeSync } from "../sync/node-sync.ts";
import type { TrafficRefresher } from "./refresh-traffic.ts";
import { type ResetOptions, resetTraffic } from "./reset-traffic.ts";
import { type SyncAllOptions, syncAll } from "./sync-all.ts";

export interface TrafficJobOptions {
  readonly refresher: Pick<TrafficRefresher, "refresh">;
  readonly reset: ResetOptions;
  readonly sync: SyncAllOptions;
  readonly online: ReadOnlineOptions;
  readonly clock: Pick<Clock, "now">;
  /** The way to read a node at once, and those that were heard of just now; null when there is none of this name. */
  readonly syncOf: (node: string) => Promise<Pick<NodeSync, "run"> | null>;
  /**
   * Called once a key's traffic is reset, before its caller hears of it: a limit may have ended. An error that it
   * throws asks for another attempt.
   */
  readonly onReset: (keyId: number) => Promise<void>;
}

/** The handlers for all jobs of the traffic queue. */
export function trafficJobHandlers({
  refresher,
  reset,
  sync,
  online,
  clock,
  syncOf,
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

    "reset-traffic": async ({ key_id, owner, deadline, counted_from }, { jobId }) => {
      const result = await resetTraffic({ keyId: key_id, owner, job: jobId, deadline }, reset);
      if (result.outcome !== "reset") return result;
      await onReset(key_id);
      return { ...result, ...(counted_from !== undefined && { counted_from }) };
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

    "read-node": async ({ name, deadline }) => {
      const node = clock.now() >= deadline ? null : await syncOf(name);
      return { outcome: node !== null && (await isRead(node)) ? "read" : "unreadable" };
    },

    "sync-traffic": async ({ owner }) => ({ outcome: "synced", ...(await syncAll(sync, { owner })) }),
  };
}

/** One that leads to the process of another node is read with that one. */
async function isRead(sync: Pick<NodeSync, "run">): Promise<boolean> {
  try {
    return (await sync.run()).refused.size === 0;
  } catch (error) {
    if (error instanceof DuplicateNodeError) return true;
    // Anything else passes, and is tried again.
    if (error instanceof XrayError) return false;
    throw error;
  }
}
