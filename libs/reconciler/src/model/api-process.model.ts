import {
  awaitVerdict,
  createKey,
  deleteKey,
  KeyNotFoundError,
  OutcomeUnknownError,
  RefusedCreations,
  submitJob,
  VisibleKeys,
  WriteFailedError,
  writeLimits,
} from "./real-services.model.ts";
import { StoreClient } from "./store-client.model.ts";
import type { System } from "./system.model.ts";
import type { Process } from "./world.model.ts";
import { silentLogger } from "./worker-process.model.ts";

const writeDeadlineMs = 10_000;

/** What a caller was told. `none`: its connection was closed, or its request was never answered. */
export type Answer =
  | { readonly status: 200; readonly keyId: number; readonly uuid: string }
  | { readonly status: "error" | "none"; readonly why: string };

export type DeleteAnswer = 200 | 404 | "error";

/** One API replica: the real requests over the simulated outside. */
export class ApiReplica {
  readonly process: Process;
  readonly #system: System;
  readonly #refused = new RefusedCreations();
  readonly #store: StoreClient;
  readonly #jobs;
  readonly #clock;

  constructor(process: Process, system: System) {
    this.process = process;
    this.#system = system;
    this.#store = new StoreClient(system.mongo, process);
    this.#jobs = system.queue.client(process);
    this.#clock = {
      now: () => Math.round(system.world.now + process.skewMs),
      sleep: (ms: number) => system.world.sleep(ms, process),
    };
  }

  async create(id: string): Promise<Answer> {
    const ports = { ...this.#writePorts(id), keys: this.#store, refused: this.#refused };
    try {
      const { keyId, uuid } = await createKey(null, scopeOf(id), ports);
      return { status: 200, keyId, uuid };
    } catch (error) {
      if (error instanceof WriteFailedError) return { status: "error", why: error.message };
      if (error instanceof OutcomeUnknownError) return { status: "none", why: error.message };
      throw error;
    }
  }

  /** A second request of the same job: it may read what became of it, but never cancels. */
  async replay(id: string): Promise<Answer> {
    const { jobs, clock } = this.#writePorts(id);
    const limits = writeLimits(clock.now(), writeDeadlineMs);
    const jobId = `create-${id}`;
    const payload = { name: null, deadline: limits.jobDeadline, request_id: id };
    if (!(await submitJob("create-key", jobId, payload, jobs, scopeOf(id)))) return { status: "none", why: "no queue" };
    const awaited = { name: "create-key", jobId, until: limits.judgeAt, whenFailed: "wait" } as const;
    const result = await awaitVerdict(awaited, { jobs, clock }, scopeOf(id));
    if (result === null) return { status: "none", why: "no result" };
    if (result.outcome !== "created") return { status: "error", why: result.detail };
    const cancelled = await jobs.exists("cancel-creation", `cancel-${jobId}`).catch(() => true);
    if (cancelled) return { status: "none", why: "it was cancelled" };
    return { status: 200, keyId: result.key.key_id, uuid: result.key.uuid };
  }

  async delete(keyId: number, id: string): Promise<DeleteAnswer> {
    const visibleKeys = new VisibleKeys(this.#store, this.#refused);
    try {
      await deleteKey(keyId, scopeOf(id), { ...this.#writePorts(id), keys: this.#store, visibleKeys });
      return 200;
    } catch (error) {
      if (error instanceof KeyNotFoundError) return 404;
      if (error instanceof WriteFailedError) return "error";
      throw error;
    }
  }

  /** Whether a caller of this replica would find the key of a create job in a list. */
  shows(job: string): boolean {
    const isActive = [...this.#system.mongo.keys.values()].some((key) => key.job === job && key.phase === "active");
    return isActive && !this.#refused.has(job);
  }

  #writePorts(id: string) {
    return { jobs: this.#jobs, clock: this.#clock, newId: () => id, writeDeadlineMs };
  }
}

function scopeOf(requestId: string) {
  return { requestId, log: silentLogger };
}
