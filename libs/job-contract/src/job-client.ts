import { randomUUID } from "node:crypto";
import { CoalescedCalls } from "@veil/gathered-calls";
import { connectRedis, type Redis } from "@veil/redis-connection";
import { type Job, Queue, QueueEvents, type Telemetry } from "bullmq";
import { JobShapeError, QueueUnavailableError } from "./errors.ts";
import { type Bundle, type BundledJob, largestBundle } from "./job-bundle.ts";
import type { JobName, JobPayload, JobResult, QueueName } from "./job-catalogue.ts";
import { jobDefinition, queueNames } from "./job-catalogue.ts";
import { defaultQueuePrefix, jobOptions } from "./queue-options.ts";
import { type JobEnding, ResultWaiters } from "./result-waiters.ts";
import { endingsIn, SentBundles } from "./sent-bundles.ts";

/** What is known of a job when the wait for it ends. */
export type JobVerdict<N extends JobName> =
  | { readonly state: "finished"; readonly result: JobResult<N> }
  /** In the failed set: its attempts are used up, or it stalled too often without a processor having run. */
  | { readonly state: "failed"; readonly reason: string }
  /** The wait ended first; the job may still run. */
  | { readonly state: "pending" };

/** How far a job is: `ended` in whatever way, `unknown` when there is none, or it is not kept any more. */
export type JobProgress = "queued" | "running" | "ended" | "unknown";

export interface SubmitOptions {
  /** When the request came in, in milliseconds since the epoch; now when it is left out. */
  readonly requestedAt?: number | undefined;
  /**
   * The id is new in the world: nobody else submits it, and nobody but this client asks for it. Such a job may travel in a
   * bundle with others that are submitted while Redis is busy with the ones before.
   */
  readonly isFresh?: boolean;
}

/** The producer's side of the queues: what the API may do with jobs. */
export interface JobClient {
  /**
   * Enqueues a job; a job of the same id that is already there stands, and nothing is added.
   *
   * @throws QueueUnavailableError; its `mayHaveHappened` says whether the job may be there all the same
   */
  submit<N extends JobName>(name: N, jobId: string, payload: JobPayload<N>, options?: SubmitOptions): Promise<void>;
  /**
   * Waits for the end of a job that this client or another one submitted.
   *
   * @throws QueueUnavailableError when nothing was heard in time and Redis can't be asked
   */
  awaitResult<N extends JobName>(name: N, jobId: string, timeoutMs: number): Promise<JobVerdict<N>>;
  /** Whether a job of this id is waiting, running or kept. @throws QueueUnavailableError */
  exists(name: JobName, jobId: string): Promise<boolean>;
  /** How far a job is. @throws QueueUnavailableError */
  progress(name: JobName, jobId: string): Promise<JobProgress>;
  /** False while the connection to Redis is down. */
  readonly connected: boolean;
  close(): Promise<void>;
}

export interface JobClientOptions {
  readonly redisUrl: string;
  readonly prefix?: string;
  /** Where the requests' traces are, so that they go on in the jobs. */
  readonly telemetry?: Telemetry | undefined;
  readonly onError: (error: Error) => void;
}

/** Connects the producer's side; resolves at once, also while Redis is away. */
export function createJobClient(options: JobClientOptions): JobClient {
  return new BullJobClient(options);
}

class BullJobClient implements JobClient {
  readonly #options: JobClientOptions & { readonly prefix: string };
  readonly #commands: Redis;
  readonly #streams: Redis[] = [];
  readonly #queues = new Map<QueueName, Queue>();
  readonly #events: QueueEvents[] = [];
  readonly #waiters = new ResultWaiters();
  readonly #bundles = new SentBundles();
  readonly #gathering = new Map<JobName, CoalescedCalls<BundledJob, "added">>();

  constructor(options: JobClientOptions) {
    const { redisUrl, prefix = defaultQueuePrefix, onError } = options;
    this.#options = { ...options, prefix };
    this.#commands = connectRedis(redisUrl, "fail-fast", onError);
    for (const name of queueNames) this.#listen(name);
  }

  get connected(): boolean {
    return this.#commands.status === "ready";
  }

  async submit<N extends JobName>(
    name: N,
    jobId: string,
    payload: JobPayload<N>,
    { requestedAt = Date.now(), isFresh = false }: SubmitOptions = {},
  ): Promise<void> {
    const { payload: schema, travels } = jobDefinition(name);
    const job = { id: jobId, requested_at: requestedAt, payload: schema.encode(payload) };
    this.#requireConnection();
    this.#waiters.expect(jobId);
    // A trace goes on in one job, so that traced ones travel alone.
    const mayTravelWithOthers = isFresh && travels === "in-bundles" && this.#options.telemetry === undefined;
    try {
      if (mayTravelWithOthers) await this.#gathered(name).ask(job);
      else await this.#add(name, job);
    } catch (error) {
      throw new QueueUnavailableError(true, error);
    }
  }

  async awaitResult<N extends JobName>(name: N, jobId: string, timeoutMs: number): Promise<JobVerdict<N>> {
    const giveUpAt = performance.now() + timeoutMs;
    if (this.#waiters.expect(jobId) === "new") {
      const verdict = await this.#readVerdict(name, jobId);
      if (verdict.state !== "pending") return verdict;
    }
    const ending = await this.#waiters.wait(jobId, giveUpAt - performance.now());
    return ending === null ? this.#readVerdict(name, jobId) : verdictOf(name, ending);
  }

  /** Those that are submitted while an addition is under way. */
  #gathered(name: JobName): CoalescedCalls<BundledJob, "added"> {
    const known = this.#gathering.get(name);
    if (known !== undefined) return known;
    const calls = new CoalescedCalls<BundledJob, "added">((jobs) => this.#addTogether(name, jobs), {
      largest: largestBundle,
    });
    this.#gathering.set(name, calls);
    return calls;
  }

  async #addTogether(name: JobName, jobs: readonly BundledJob[]): Promise<"added"[]> {
    const [first, ...others] = jobs;
    if (first !== undefined && others.length === 0) {
      await this.#add(name, first);
    } else {
      const bundle: Bundle = { bundle: jobs };
      const id = `bundle-${randomUUID()}`;
      this.#bundles.add(
        id,
        jobs.map((job) => job.id),
      );
      await this.#add(name, { id, requested_at: Math.min(...jobs.map((job) => job.requested_at)), payload: bundle });
    }
    return jobs.map(() => "added");
  }

  async #add(name: JobName, { id, requested_at: requestedAt, payload }: BundledJob): Promise<void> {
    const queue = await this.#queue(name);
    await queue.add(name, payload, { ...jobOptions(name, id), timestamp: requestedAt });
  }

  async exists(name: JobName, jobId: string): Promise<boolean> {
    return (await this.#getJob(name, jobId)) !== undefined;
  }

  async progress(name: JobName, jobId: string): Promise<JobProgress> {
    const job = await this.#getJob(name, jobId);
    if (job === undefined) return "unknown";
    if (job.finishedOn !== undefined) return "ended";
    return job.processedOn === undefined ? "queued" : "running";
  }

  async close(): Promise<void> {
    // BullMQ's own close waits for a connection that may never come: it is told to end, and the sockets are cut.
    const { onError } = this.#options;
    for (const part of [...this.#events, ...this.#queues.values()]) part.close().catch(onError);
    for (const redis of [this.#commands, ...this.#streams]) redis.disconnect();
  }

  #listen(name: QueueName): void {
    const { redisUrl, prefix, onError } = this.#options;
    const stream = connectRedis(redisUrl, "patient", onError);
    const events = new QueueEvents(name, { connection: stream, prefix });
    events.on("error", onError);
    events.on("completed", ({ jobId, returnvalue }) => this.#settle(jobId, { state: "completed", returnvalue }));
    events.on("failed", ({ jobId, failedReason }) => this.#settle(jobId, { state: "failed", reason: failedReason }));
    events.on("duplicated", ({ jobId }) => void this.#settleIfEnded(name, jobId));
    this.#streams.push(stream);
    this.#events.push(events);
  }

  #settle(carrierId: string, ending: JobEnding): void {
    for (const [jobId, own] of this.#bundles.endingsOf(carrierId, ending)) this.#waiters.settle(jobId, own);
  }

  /** A job that was submitted again may have ended before anybody here listened for its end. */
  async #settleIfEnded(name: QueueName, jobId: string): Promise<void> {
    try {
      const job: Job | undefined = await this.#queues.get(name)?.getJob(jobId);
      const ending = job === undefined ? null : endingOf(job);
      if (ending !== null) this.#waiters.settle(jobId, ending);
    } catch (error) {
      this.#options.onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #readVerdict<N extends JobName>(name: N, jobId: string): Promise<JobVerdict<N>> {
    const job = await this.#getJob(name, jobId);
    const ending = job === undefined ? null : endingOf(job);
    if (ending === null) return { state: "pending" };
    return verdictOf(name, ending.state === "failed" ? ending : endingsIn(ending.returnvalue)(jobId));
  }

  async #getJob(name: JobName, jobId: string) {
    this.#requireConnection();
    try {
      const queue = await this.#queue(name);
      return await queue.getJob(this.#bundles.carrierOf(jobId));
    } catch (error) {
      throw new QueueUnavailableError(false, error);
    }
  }

  /** Made at first use and only while connected: BullMQ never recovers a queue that was opened without a connection. */
  async #queue(job: JobName): Promise<Queue> {
    const name = jobDefinition(job).queue;
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const { prefix, onError, telemetry } = this.#options;
    const queue = new Queue(name, {
      connection: this.#commands,
      prefix,
      ...(telemetry !== undefined && { telemetry }),
    });
    queue.on("error", onError);
    await queue.waitUntilReady();
    this.#queues.set(name, queue);
    return queue;
  }

  #requireConnection(): void {
    if (!this.connected) throw new QueueUnavailableError(false, new Error(`connection is ${this.#commands.status}`));
  }
}

/** Null for a job that has not ended. */
function endingOf({ finishedOn, failedReason, returnvalue }: Job): JobEnding | null {
  if (finishedOn === undefined) return null;
  const isFailed = typeof failedReason === "string" && failedReason !== "";
  return isFailed ? { state: "failed", reason: failedReason } : { state: "completed", returnvalue };
}

function verdictOf<N extends JobName>(name: N, ending: JobEnding): JobVerdict<N> {
  if (ending.state === "failed") return ending;
  return { state: "finished", result: parseResult(name, ending.returnvalue) };
}

function parseResult<N extends JobName>(name: N, value: unknown): JobResult<N> {
  const parsed = jobDefinition(name).result.safeParse(typeof value === "string" ? JSON.parse(value) : value);
  if (!parsed.success) throw new JobShapeError(`result of ${name} does not fit: ${parsed.error.message}`);
  return parsed.data;
}
