import { GrowingLru } from "@veil/runtime";
import { endsOfMicroBatch } from "./micro-batch.ts";
import type { JobEnding } from "./result-waiters.ts";

/** Longer than anybody waits for a job that travels in a micro-batch. */
const FORGET_AFTER_MS = 60_000;
/** Far above the requests that one replica has under way. */
const MOST_JOBS = 100_000;

/** The micro-batch in which each job travels, as far as this process sent it. */
export class SentMicroBatches {
  readonly #batchOf = new GrowingLru<string, string>(MOST_JOBS, { ttl: FORGET_AFTER_MS });
  readonly #jobsOf = new GrowingLru<string, readonly string[]>(MOST_JOBS, { ttl: FORGET_AFTER_MS });

  add(batchId: string, jobIds: readonly string[]): void {
    this.#jobsOf.set(batchId, jobIds);
    for (const jobId of jobIds) this.#batchOf.set(jobId, batchId);
  }

  /** The BullMQ job that a job travels in: a micro-batch, or the job itself. */
  carrierOf(jobId: string): string {
    return this.#batchOf.get(jobId) ?? jobId;
  }

  /** Notes which jobs of a micro-batch go on by themselves, as its result says. */
  noteMoved(result: unknown): void {
    for (const { id, moved } of endsOfMicroBatch(result) ?? []) if (moved === true) this.#batchOf.delete(id);
  }

  /**
   * The jobs that ended with a BullMQ job, each with its own ending, and none that moved out of it. Jobs that other
   * processes sent are left alone.
   */
  endingsOf(carrierId: string, ending: JobEnding): readonly (readonly [jobId: string, JobEnding])[] {
    const jobIds = this.#jobsOf.get(carrierId);
    if (ending.state === "failed") return (jobIds ?? [carrierId]).map((jobId) => [jobId, ending]);
    if (jobIds === undefined) return [[carrierId, ending]];
    this.noteMoved(ending.returnvalue);
    const endOf = endingsIn(ending.returnvalue);
    return jobIds.filter((jobId) => this.carrierOf(jobId) === carrierId).map((jobId) => [jobId, endOf(jobId)]);
  }
}

/** How each job ended, read once from the result of the BullMQ job that carried it. */
export function endingsIn(result: unknown): (jobId: string) => JobEnding {
  const ends = endsOfMicroBatch(result);
  if (ends === null) return () => ({ state: "completed", returnvalue: result });
  const byId = new Map(ends.map((end) => [end.id, end]));
  return (jobId) => {
    const own = byId.get(jobId);
    if (own === undefined) return { state: "failed", reason: `the micro-batch's result lacks ${jobId}` };
    if (own.failed !== undefined) return { state: "failed", reason: own.failed };
    return { state: "completed", returnvalue: own.result };
  };
}
