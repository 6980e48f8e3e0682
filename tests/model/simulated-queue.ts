import { JOB_LOCK_MS, STALLED_CHECK_MS } from "@veil/keys";
import { QueueClient } from "./queue-client.ts";
import type { Job, SimulatedRedis } from "./simulated-redis.ts";
import type { Process, World } from "./world.ts";

/** Does the work of one delivery. `redelivered`: an earlier one may have done part of it, or may still be at work. */
export type RunJob = (job: Job, redelivered: boolean) => Promise<unknown>;

const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 2_000;

/** The key queue over Redis: deliveries with locks, retries with backoff, stalled jobs delivered again. */
export class SimulatedQueue {
  readonly #redis: SimulatedRedis;
  readonly #world: World;
  readonly #holders = new Map<string, Process>();
  /** Deliveries that processes are at, whether or not their job is still theirs. */
  readonly #underWay = new Set<{ readonly id: string; readonly process: Process }>();
  #locks = 0;

  constructor(redis: SimulatedRedis, world: World) {
    this.#redis = redis;
    this.#world = world;
    world.after(STALLED_CHECK_MS, null, () => this.#checkStalled(), STALLED_CHECK_MS);
  }

  /** One of the jobs that a worker process has under way at once. Never ends. */
  async consume(process: Process, run: RunJob): Promise<void> {
    while (true) {
      const job = await this.#redis.patient(
        process,
        "take a job",
        () => this.#take(process),
        () => this.#hasDeliverable(),
      );
      if (job === null) continue;
      const { lock } = job;
      const delivery = { id: job.id, process };
      this.#underWay.add(delivery);
      let end: (stored: Job) => void;
      try {
        const result = await run(job, job.started > 1);
        end = (stored) => Object.assign(stored, { state: "finished", result, lock: null });
      } catch (error) {
        this.#world.log(() => `${process.name} fails at ${job.id}: ${String(error)}`);
        end = (stored) => this.#retry(stored);
      }
      this.#underWay.delete(delivery);
      await this.#redis.patient(process, `end the delivery of ${job.id}`, () => {
        const stored = this.#redis.jobs.get(job.id);
        this.#holders.delete(lock ?? "");
        if (stored?.state !== "active" || stored.lock !== lock) return;
        end(stored);
        this.#world.log(() => `job ${job.id} is ${stored.state} ${JSON.stringify(stored.result ?? null)}`);
      });
    }
  }

  client(process: Process): QueueClient {
    return new QueueClient(process, this.#redis, this.#world);
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

  /** Whether some process is at a job, or will be: it then finishes what it began, or its successor does. */
  isAtWork(id: string): boolean {
    if (this.openJobs.some((job) => job.id === id)) return true;
    return [...this.#underWay].some((delivery) => delivery.id === id && delivery.process.state !== "dead");
  }

  #isDeliverable({ state, due }: Job): boolean {
    return state === "waiting" || (state === "delayed" && due <= this.#world.now);
  }

  #hasDeliverable(): boolean {
    for (const job of this.#redis.jobs.values()) if (this.#isDeliverable(job)) return true;
    return false;
  }

  #take(process: Process): Job | null {
    const waiting = this.openJobs.filter((job) => this.#isDeliverable(job));
    if (waiting.length === 0) return null;
    const job = this.#world.random.pick(waiting);
    this.#locks += 1;
    job.lock = `lock-${this.#locks}`;
    job.state = "active";
    job.started += 1;
    job.lockedUntil = this.#world.now + JOB_LOCK_MS;
    this.#holders.set(job.lock, process);
    this.#world.log(() => `${process.name} takes ${job.id}, delivery ${job.started}`);
    return { ...job };
  }

  #retry(job: Job): void {
    job.failures += 1;
    job.lock = null;
    job.state = job.failures < attemptsOf(job) ? "delayed" : "failed";
    job.due = this.#world.now + Math.min(FIRST_BACKOFF_MS * 2 ** (job.failures - 1), LONGEST_BACKOFF_MS);
  }

  /** A worker that runs and has its connection prolongs its locks; another one's run out. */
  #checkStalled(): void {
    if (!this.#redis.up) return;
    for (const job of this.openJobs) {
      if (job.state !== "active") continue;
      const holder = this.#holders.get(job.lock ?? "");
      if (holder?.state === "running") job.lockedUntil = this.#world.now + JOB_LOCK_MS;
      else if (job.lockedUntil < this.#world.now) this.stall(job);
    }
  }
}

function attemptsOf(job: Job): number {
  return job.name === "cancel-creation" ? 30 : 12;
}
