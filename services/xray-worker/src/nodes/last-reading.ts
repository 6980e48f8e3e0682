import { type JobClient, QueueUnavailableError } from "@veil/job-queue";
import type { Clock } from "@veil/runtime";
import type { RetireRequest } from "./retire-node.ts";

/**
 * Has collectors bring all that a node has counted into the ledger.
 *
 * @returns whether one of them did so in time
 */
export function lastReading(
  jobs: Pick<JobClient, "submit" | "awaitResult">,
  clock: Pick<Clock, "now">,
): (node: string, request: RetireRequest) => Promise<boolean> {
  return async (name, { job, deadline, requestId }) => {
    // An earlier delivery did not read what was counted since.
    const id = `read-${job}-${clock.now()}`;
    try {
      await jobs.submit("read-node", id, { name, deadline, request_id: requestId });
      const end = await jobs.awaitResult("read-node", id, Math.max(0, deadline - clock.now()));
      return end.state === "finished" && end.result.outcome === "read";
    } catch (error) {
      if (error instanceof QueueUnavailableError) return false;
      throw error;
    }
  };
}
