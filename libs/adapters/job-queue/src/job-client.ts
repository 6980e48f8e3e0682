import { connectRedis, isSurelyUndone, type Redis, refusalCodeOf } from "@veil/redis";
import { type Clock, coerceError, systemClock } from "@veil/runtime";
import { type Job, QueueEvents, type Telemetry } from "bullmq";
import { YieldExemptions } from "./yield-exemptions.ts";
import { QueueUnavailableError } from "./errors.ts";
import { jobDefinition, type JobName, type JobPayload, type QueueName, queueNames } from "@veil/job-contract";
import { endingOf, type JobOutcome, outcomeOf } from "./job-outcome.ts";
import type { MicroBatchJob } from "./micro-batch.ts";
import { MicroBatcher } from "./micro-batcher.ts";
import { ProducerQueues } from "./producer-queues.ts";
import { retryFailed } from "./retry-failed.ts";
import { DEFAULT_QUEUE_PREFIX, jobOptions } from "./queue-options.ts";
import { type JobEnding, ResultWaiters } from "./result-waiters.ts";
import { endingsIn, SentMicroBatches } from "./sent-micro-batches.ts";

/** How far a job is: `ended` in whatever way, `unknown` when there is none, or it is not kept any more. */
export type JobProgress = "queued" | "running" | "ended" | "unknown";

export interface SubmitOptions {
  /** When the request came in, in milliseconds since the epoch; now when it is left out. */
  readonly requestedAt?: number | undefined;
  /**
   * The id is unique to this call: no one else submits it, and no one but this client asks for it. Such a job may travel in a
   * micro-batch with others that are submitted while Redis is busy with the ones before.
   */
  readonly isFresh?: boolean;
}

/** The producer's side of the queues: what the API may do with jobs. */
export interface JobClient {
  /**
   * Enqueues a job; when a job of the same id is already there, nothing is added.
   *
   * @throws {QueueUnavailableError} its `mayHaveHappened` says whether the job may be there all the same
   */
  submit<N extends JobName>(name: N, jobId: string, payload: JobPayload<N>, options?: SubmitOptions): Promise<void>;
  /**
   * Waits for the end of a job that this client or another one submitted.
   *
   * @throws {QueueUnavailableError} when nothing was heard in time and Redis can't be asked
   */
  awaitResult<N extends JobName>(name: N, jobId: string, timeoutMs: number): Promise<JobOutcome<N>>;
  /**
   * Has a job that failed delivered again, as often as a new one would be: its handler learns that it is not the first time, and
   * what its deadline forbids stays forbidden. Does nothing to any other job.
   *
   * @throws {QueueUnavailableError} when Redis can't be asked
   */
  retry(name: JobName, jobId: string): Promise<void>;
  /** Whether a job of this id is waiting, running or kept. @throws {QueueUnavailableError} when Redis can't be asked */
  exists(name: JobName, jobId: string): Promise<boolean>;
  /** How far a job is. @throws {QueueUnavailableError} when Redis can't be asked */
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
  /** Dates jobs whose request has no date; the machine's clock when left out. */
  readonly clock?: Pick<Clock, "now">;
  readonly onError: (error: Error) => void;
}

/**
 * A job may end before the stream of ends is listened to, as the first one after a start does: its end is read from so long
 * before.
 */
const HEARD_FROM_BEFORE_MS = 60_000;

/** Connects the producer's side; resolves at once, also while Redis is unavailable. */
export function createJobClient(options: JobClientOptions): JobClient {
  return new BullJobClient(options);
}

class BullJobClient implements JobClient {
  readonly #options: JobClientOptions & { readonly prefix: string };
  readonly #clock: Pick<Clock, "now">;
  readonly #commands: Redis;
  readonly #queues: ProducerQueues;
  readonly #streams: Redis[] = [];
  #isClosed = false;
  readonly #events: QueueEvents[] = [];
  readonly #waiters = new ResultWaiters();
  readonly #sent = new SentMicroBatches();
  readonly #exemptions: YieldExemptions;
  readonly #batcher = new MicroBatcher((name, job) => this.#add(name, job), this.#sent);

  constructor(options: JobClientOptions) {
    const { redisUrl, prefix = DEFAULT_QUEUE_PREFIX, clock = systemClock, onError } = options;
    this.#clock = clock;
    this.#exemptions = new YieldExemptions(clock);
    this.#options = { ...options, prefix };
    this.#commands = connectRedis(redisUrl, "fail-fast", onError);
    this.#queues = new ProducerQueues(this.#commands, this.#options);
    for (const name of queueNames) this.#listen(name);
  }

  get connected(): boolean {
    return this.#queues.connected;
  }

  async submit<N extends JobName>(
    name: N,
    jobId: string,
    payload: JobPayload<N>,
    { requestedAt, isFresh = false }: SubmitOptions = {},
  ): Promise<void> {
    const { payload: schema, travels } = jobDefinition(name);
    const job = { id: jobId, requested_at: requestedAt ?? this.#clock.now(), payload: schema.encode(payload) };
    this.#queues.requireConnection();
    this.#waiters.expect(jobId);
    // A trace goes on in one job, so that traced ones travel alone.
    const mayTravelWithOthers = isFresh && travels === "in-micro-batches" && this.#options.telemetry === undefined;
    try {
      await (mayTravelWithOthers ? this.#batcher.add(name, job) : this.#add(name, job));
    } catch (error) {
      if (error instanceof QueueUnavailableError) throw error;
      throw new QueueUnavailableError(!isSurelyUndone(error), error);
    }
  }

  async awaitResult<N extends JobName>(name: N, jobId: string, timeoutMs: number): Promise<JobOutcome<N>> {
    const giveUpAt = performance.now() + timeoutMs;
    if (this.#waiters.expect(jobId) === "new") {
      const outcome = await this.#readOutcome(name, jobId);
      if (outcome.state !== "pending") return outcome;
    }
    const ending = await this.#waiters.wait(jobId, giveUpAt - performance.now());
    return ending === null ? this.#readOutcome(name, jobId) : outcomeOf(name, ending);
  }

  async retry(name: JobName, jobId: string): Promise<void> {
    const job = await this.#getJob(name, jobId);
    if (job === undefined || job.id !== jobId || endingOf(job)?.state !== "failed") return;
    this.#waiters.expect(jobId);
    try {
      await retryFailed(job);
    } catch (error) {
      throw new QueueUnavailableError(refusalCodeOf(error) === null, error);
    }
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
    this.#isClosed = true;
    // BullMQ's own close waits for a connection that may never come, so it is begun and the sockets are cut.
    for (const events of this.#events) events.close().catch(this.#options.onError);
    this.#queues.close();
    for (const redis of [this.#commands, ...this.#streams]) redis.disconnect();
  }

  async #add(name: JobName, job: MicroBatchJob): Promise<void> {
    const queue = await this.#queues.of(name);
    const { priority, ...options } = jobOptions(name, job);
    const yields = priority !== undefined && !this.#exemptions.take(name);
    await queue.add(name, job.payload, { ...options, ...(yields && { priority }) });
  }

  #listen(name: QueueName): void {
    const { redisUrl, onError } = this.#options;
    const stream = connectRedis(redisUrl, "patient", onError);
    this.#streams.push(stream);
    void this.#hearFrom(stream, name);
  }

  /**
   * Places in the stream of ends are of Redis' time. A client of a machine whose clock is ahead would hear of no end before Redis has
   * come to the place where it began. Never rejects.
   */
  async #hearFrom(stream: Redis, name: QueueName): Promise<void> {
    const { onError } = this.#options;
    while (!this.#isClosed) {
      try {
        const [seconds] = await stream.time();
        if (!this.#isClosed) this.#hear(stream, name, Number(seconds) * 1_000 - HEARD_FROM_BEFORE_MS);
        return;
      } catch (error) {
        // A patient connection answers so after a pause.
        if (!this.#isClosed) onError(coerceError(error));
      }
    }
  }

  /** @param from what is read twice is nobody's. Milliseconds since the epoch, by Redis' clock */
  #hear(stream: Redis, name: QueueName, from: number): void {
    const { prefix, onError } = this.#options;
    const events = new QueueEvents(name, { connection: stream, prefix, lastEventId: String(from) });
    events.on("error", onError);
    events.on("completed", ({ jobId, returnvalue }) => this.#resolve(jobId, { state: "completed", returnvalue }));
    events.on("failed", ({ jobId, failedReason }) => this.#resolve(jobId, { state: "failed", reason: failedReason }));
    events.on("duplicated", ({ jobId }) => void this.#resolveIfEnded(name, jobId));
    this.#events.push(events);
  }

  #resolve(carrierId: string, ending: JobEnding): void {
    for (const [jobId, own] of this.#sent.endingsOf(carrierId, ending)) this.#waiters.resolve(jobId, own);
  }

  /** A job that was submitted again may have ended before anybody here listened for its end. */
  async #resolveIfEnded(name: QueueName, jobId: string): Promise<void> {
    try {
      const job: Job | undefined = await this.#queues.opened(name)?.getJob(jobId);
      const ending = job === undefined ? null : endingOf(job);
      if (ending !== null) this.#waiters.resolve(jobId, ending);
    } catch (error) {
      this.#options.onError(coerceError(error));
    }
  }

  async #readOutcome<N extends JobName>(name: N, jobId: string): Promise<JobOutcome<N>> {
    const job = await this.#getJob(name, jobId);
    const ending = job === undefined ? null : endingOf(job);
    if (ending === null) return { state: "pending" };
    return outcomeOf(name, ending.state === "failed" ? ending : endingsIn(ending.returnvalue)(jobId));
  }

  async #getJob(name: JobName, jobId: string): Promise<Job | undefined> {
    this.#queues.requireConnection();
    try {
      const queue = await this.#queues.of(name);
      const carrier: Job | undefined = await queue.getJob(this.#sent.carrierOf(jobId));
      if (carrier === undefined || carrier.id === jobId || carrier.finishedOn === undefined) return carrier;
      this.#sent.noteMoved(carrier.returnvalue);
      return this.#sent.carrierOf(jobId) === jobId ? await queue.getJob(jobId) : carrier;
    } catch (error) {
      throw error instanceof QueueUnavailableError ? error : new QueueUnavailableError(false, error);
    }
  }
}
