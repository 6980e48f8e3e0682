import type { JobName, JobPayload, JobResult } from "@veil/job-contract";
import type { JobProgress, JobOutcome } from "@veil/job-queue";
import type { Jobs } from "../../src/ports.ts";

/** The course of a job, as a test scripts it. A promise that never ends is a worker that never answers. */
export type JobScript<N extends JobName> = (payload: JobPayload<N>, jobId: string) => Promise<JobOutcome<N>>;

export type JobScripts = { [N in JobName]: JobScript<N> };

export interface SubmittedJob {
  readonly name: JobName;
  readonly jobId: string;
  readonly payload: unknown;
}

/** The queues without Redis: every job runs its script as soon as it is submitted. */
export class InMemoryJobs implements Jobs {
  readonly submitted: SubmittedJob[] = [];
  /** The ids of jobs that were delivered again. */
  readonly retried: string[] = [];
  readonly scripts: JobScripts;
  /** Runs before a job is taken; throwing refuses it. */
  beforeSubmit: (job: SubmittedJob) => Promise<void> = async () => undefined;
  /** Runs before every wait; throwing ends it. */
  beforeAwait: (jobId: string) => Promise<void> = async () => undefined;

  readonly #outcomes: { readonly [N in JobName]: Map<string, Promise<JobOutcome<N>>> } = {
    "create-key": new Map(),
    "create-keys": new Map(),
    "cancel-creations": new Map(),
    "delete-keys": new Map(),
    "cancel-creation": new Map(),
    "delete-key": new Map(),
    "change-key": new Map(),
    "put-key": new Map(),
    "update-keys": new Map(),
    "refresh-traffic": new Map(),
    "reset-traffic": new Map(),
    "sync-traffic": new Map(),
    "create-token": new Map(),
    "change-token": new Map(),
    "delete-token": new Map(),
    "read-online": new Map(),
    "count-online": new Map(),
    "register-device": new Map(),
    "forget-devices": new Map(),
    "create-webhook": new Map(),
    "change-webhook": new Map(),
    "delete-webhook": new Map(),
    "test-webhook": new Map(),
    "create-node": new Map(),
    "change-node": new Map(),
    "drain-node": new Map(),
    "delete-node": new Map(),
    "read-node": new Map(),
    "put-host": new Map(),
    "change-host": new Map(),
    "delete-host": new Map(),
    "deliver-events": new Map(),
    "repeat-delivery": new Map(),
  };

  readonly #progress = new Map<string, JobProgress>();

  constructor(scripts: JobScripts) {
    this.scripts = scripts;
  }

  async progress(_name: JobName, jobId: string): Promise<JobProgress> {
    return this.#progress.get(jobId) ?? "unknown";
  }

  async exists(name: JobName, jobId: string): Promise<boolean> {
    return this.#outcomes[name].has(jobId);
  }

  async submit<N extends JobName>(name: N, jobId: string, payload: JobPayload<N>): Promise<void> {
    await this.beforeSubmit({ name, jobId, payload });
    this.run(name, jobId, payload);
  }

  /** Takes a job in, whatever `beforeSubmit` says. */
  run<N extends JobName>(name: N, jobId: string, payload: JobPayload<N>): void {
    if (this.#outcomes[name].has(jobId)) return;
    this.submitted.push({ name, jobId, payload });
    const outcome = this.scripts[name](payload, jobId);
    this.#outcomes[name].set(jobId, outcome);
    this.#progress.set(jobId, "queued");
    void outcome.finally(() => this.#progress.set(jobId, "ended"));
  }

  async retry(name: JobName, jobId: string): Promise<void> {
    const job = this.submitted.find((one) => one.name === name && one.jobId === jobId);
    if (job === undefined) return;
    this.retried.push(jobId);
    this.#again(name, jobId, job.payload as never);
  }

  #again<N extends JobName>(name: N, jobId: string, payload: JobPayload<N>): void {
    this.#outcomes[name].set(jobId, this.scripts[name](payload, jobId));
  }

  async awaitResult<N extends JobName>(name: N, jobId: string, timeoutMs: number): Promise<JobOutcome<N>> {
    await this.beforeAwait(jobId);
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<JobOutcome<N>>((resolve) => {
      timer = setTimeout(() => resolve({ state: "pending" }), timeoutMs);
    });
    const outcome = this.#outcomes[name].get(jobId);
    try {
      return await (outcome === undefined ? timeUp : Promise.race([outcome, timeUp]));
    } finally {
      clearTimeout(timer);
    }
  }
}

export function finished<N extends JobName>(result: JobResult<N>): Promise<JobOutcome<N>> {
  return Promise.resolve({ state: "finished", result });
}

export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
