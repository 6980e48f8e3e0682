import { randomUUID } from "node:crypto";
import { CoalescedCalls } from "@veil/runtime";
import { COALESCE_WAIT_MS } from "@veil/keys";
import type { JobName } from "@veil/job-contract";
import { LARGEST_MICRO_BATCH, type MicroBatch, type MicroBatchJob } from "./micro-batch.ts";
import type { SentMicroBatches } from "./sent-micro-batches.ts";

/** Adds one BullMQ job to its queue; its payload is encoded already. */
export type AddJob = (name: JobName, job: MicroBatchJob) => Promise<void>;

/** Has jobs that are submitted while an addition is under way travel together, in one BullMQ job for each name. */
export class MicroBatcher {
  readonly #add: AddJob;
  readonly #sent: SentMicroBatches;
  readonly #callsOf = new Map<JobName, CoalescedCalls<MicroBatchJob, "added">>();

  /** @param sent notes which job travels in which micro-batch, before it is added */
  constructor(add: AddJob, sent: SentMicroBatches) {
    this.#add = add;
    this.#sent = sent;
  }

  /** @throws what the addition failed with, for each of those that traveled together */
  async add(name: JobName, job: MicroBatchJob): Promise<void> {
    await this.#calls(name).ask(job);
  }

  #calls(name: JobName): CoalescedCalls<MicroBatchJob, "added"> {
    const known = this.#callsOf.get(name);
    if (known !== undefined) return known;
    const calls = new CoalescedCalls<MicroBatchJob, "added">((jobs) => this.#addTogether(name, jobs), {
      largest: LARGEST_MICRO_BATCH,
      longestWaitMs: COALESCE_WAIT_MS,
    });
    this.#callsOf.set(name, calls);
    return calls;
  }

  async #addTogether(name: JobName, jobs: readonly MicroBatchJob[]): Promise<"added"[]> {
    const [first, ...others] = jobs;
    if (first !== undefined && others.length === 0) await this.#add(name, first);
    else await this.#addMicroBatch(name, jobs);
    return jobs.map(() => "added");
  }

  async #addMicroBatch(name: JobName, jobs: readonly MicroBatchJob[]): Promise<void> {
    const payload: MicroBatch = { bundle: jobs };
    const id = `bundle-${randomUUID()}`;
    this.#sent.add(
      id,
      jobs.map((job) => job.id),
    );
    await this.#add(name, { id, requested_at: Math.min(...jobs.map((job) => job.requested_at)), payload });
  }
}
