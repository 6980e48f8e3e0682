import { type JobName, type JobPayload, type JobVerdict, QueueUnavailableError } from "@veil/job-contract";
import { type Job, RedisAwayError, type SimulatedRedis } from "./simulated-redis.model.ts";
import type { Process, World } from "./world.model.ts";

export interface Delivery {
  readonly jobId: string;
  readonly requestId: string;
  readonly attempt: number;
  readonly redelivered: boolean;
}

export type RunJob = (job: Job, delivery: Delivery) => Promise<unknown>;

const lockMs = 5_000;
const stalledCheckMs = 2_500;
const firstBackoffMs = 50;
const longestBackoffMs = 2_000;

/** The key queue over Redis: deliveries with locks, retries with backoff, stalled jobs delivered again. */
export class SimulatedQueue {
  readonly #redis: SimulatedRedis;
  readonly #world: World;
  readonly #holders = new Map<string, Process>();
  #locks = 0;

  constructor(redis: SimulatedRedis, world: World) {
    this.#redis = redis;
    this.#world = world;
    world.after(stalledCheckMs, null, () => this.#checkStalled(), stalledCheckMs);
  }

  /** One of the jobs that a worker process has under way at once. Never ends. */
  async consume(process: Process, run: RunJob): Promise<void> {
    while (true) {
      const job = await this.#redis.patient(
        process,
        "take a job",
        () => this.#take(process),
        () => this.#deliverable().length > 0,
      );
      if (job === null) continue;
      const { lock } = job;
      let end: (standing: Job) => void;
      try {
        const result = await run(job, {
          jobId: job.id,
          requestId: "",
          attempt: job.started,
          redelivered: job.started > 1,
        });
        end = (standing) => Object.assign(standing, { state: "finished", result, lock: null });
      } catch (error) {
        this.#world.log(() => `${process.name} fails at ${job.id}: ${String(error)}`);
        end = (standing) => this.#retry(standing);
      }
      await this.#redis.patient(process, `end the delivery of ${job.id}`, () => {
        const standing = this.#redis.jobs.get(job.id);
        if (standing?.state !== "active" || standing.lock !== lock) return;
        end(standing);
        this.#world.log(() => `job ${job.id} is ${standing.state} ${JSON.stringify(standing.result ?? null)}`);
      });
    }
  }

  /** The producer's side. */
  client(process: Process) {
    return {
      submit: async <N extends JobName>(name: N, id: string, payload: JobPayload<N>): Promise<void> => {
        try {
          await this.#redis.command(process, `submit ${id}`, () => this.#add(name, id, payload));
        } catch (error) {
          if (!(error instanceof RedisAwayError)) throw error;
          throw new QueueUnavailableError(error.mayHaveHappened, error);
        }
      },
      awaitResult: <N extends JobName>(_name: N, id: string, timeoutMs: number): Promise<JobVerdict<N>> =>
        this.#awaitEnd(process, id, timeoutMs) as Promise<JobVerdict<N>>,
      exists: (_name: JobName, id: string): Promise<boolean> =>
        this.#redis.command(process, `look for ${id}`, () => this.#redis.jobs.has(id)),
    };
  }

  /** Delivers a job again while an earlier delivery may go on. */
  stall(job: Job): void {
    this.#world.log(() => `job ${job.id} STALLS`);
    job.state = "waiting";
    job.lock = null;
  }

  /** It stalled once too often: BullMQ fails it and no processor learns of it. */
  giveUp(job: Job): void {
    this.#world.log(() => `job ${job.id} is GIVEN UP`);
    job.state = "failed";
    job.lock = null;
  }

  get openJobs(): Job[] {
    return [...this.#redis.jobs.values()].filter(({ state }) => state !== "finished" && state !== "failed");
  }

  #add(name: JobName, id: string, payload: unknown): void {
    if (this.#redis.jobs.has(id)) return;
    const fresh = {
      state: "waiting",
      result: null,
      started: 0,
      failures: 0,
      lock: null,
      lockedUntil: 0,
      due: 0,
    } as const;
    this.#redis.jobs.set(id, { id, name, payload, ...fresh });
  }

  #deliverable(): Job[] {
    return this.openJobs.filter(
      ({ state, due }) => state === "waiting" || (state === "delayed" && due <= this.#world.now),
    );
  }

  #take(process: Process): Job | null {
    const waiting = this.#deliverable();
    if (waiting.length === 0) return null;
    const job = this.#world.random.pick(waiting);
    this.#locks += 1;
    job.lock = `lock-${this.#locks}`;
    job.state = "active";
    job.started += 1;
    job.lockedUntil = this.#world.now + lockMs;
    this.#holders.set(job.lock, process);
    this.#world.log(() => `${process.name} takes ${job.id}, delivery ${job.started}`);
    return { ...job };
  }

  #retry(job: Job): void {
    job.failures += 1;
    job.lock = null;
    job.state = job.failures < attemptsOf(job) ? "delayed" : "failed";
    job.due = this.#world.now + Math.min(firstBackoffMs * 2 ** (job.failures - 1), longestBackoffMs);
  }

  /** A worker that runs and has its connection prolongs its locks; another one's run out. */
  #checkStalled(): void {
    if (!this.#redis.up) return;
    for (const job of this.openJobs) {
      if (job.state !== "active") continue;
      const holder = this.#holders.get(job.lock ?? "");
      if (holder?.state === "running") job.lockedUntil = this.#world.now + lockMs;
      else if (job.lockedUntil < this.#world.now) this.stall(job);
    }
  }

  async #awaitEnd(process: Process, id: string, timeoutMs: number): Promise<JobVerdict<JobName>> {
    let open = true;
    const isOver = (): boolean => ["finished", "failed"].includes(this.#redis.jobs.get(id)?.state ?? "");
    const ended = this.#redis.patient(
      process,
      `hear the end of ${id}`,
      () => this.#verdict(id),
      () => open && isOver(),
    );
    const inTime = await Promise.race([ended, this.#world.sleep(timeoutMs, process)]);
    open = false;
    if (inTime !== undefined) return inTime;
    try {
      return await this.#redis.command(process, `read the end of ${id}`, () => this.#verdict(id));
    } catch (error) {
      throw new QueueUnavailableError(false, error);
    }
  }

  #verdict(id: string): JobVerdict<JobName> {
    const job = this.#redis.jobs.get(id);
    if (job?.state === "failed") return { state: "failed", reason: "given up" };
    if (job?.state !== "finished") return { state: "pending" };
    return { state: "finished", result: job.result } as JobVerdict<JobName>;
  }
}

function attemptsOf(job: Job): number {
  return job.name === "cancel-creation" ? 30 : 12;
}
