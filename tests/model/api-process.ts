import {
  type KeyChange,
  type KeyRecord,
  type PutResult,
  type RegisterDeviceResult,
  type SettableTerms,
  StoreUnavailableError,
  wasCreated,
} from "@veil/keys";
import type { CreateResult, QueueClient } from "./queue-client.ts";
import { NONE, nullWhileAway, onlySuccess, SharedWrite } from "./shared-write.ts";
import { RedisAwayError } from "./simulated-redis.ts";
import { StoreClient } from "./store-client.ts";
import type { System } from "./system.ts";
import type { ChangePayload, DevicePayload, PutPayload } from "./worker-process.ts";
import type { Process } from "./world.ts";

/**
 * The answer that the caller of a creation received. `not sent`: an error that speaks of this request alone, since
 * nothing got to the queue. `uncancelled`: an error without a cancellation, because Redis was away. `none`: the
 * connection was closed.
 */
export type Answer =
  | { readonly status: 200; readonly keyId: number; readonly uuid: string }
  | { readonly status: "error" | "uncancelled" | "not sent" | "none" };

export type ChangeAnswer =
  | { readonly status: 200; readonly key: KeyRecord; readonly isChanged: boolean }
  | { readonly status: "error" };

export type DeleteAnswer = 200 | 404 | "error";

/** A caller's 10 seconds: 8 for the job, 0.8 of slack, 1 to resolve the outcome. */
const JOB_MS = 8_000;
const RESOLVE_AFTER_MS = 8_800;
const ANSWER_AFTER_MS = 9_800;
const RESOLVE_MS = 1_000;
const CANCEL_AGAIN_MS = 100;
const DEVICE_WAIT_MS = 4_000;
const DEVICE_JOB_MS = 60_000;

/** One API replica, in the steps of the real one: enqueue, wait, resolve what the worker left open. */
export class ApiReplica {
  readonly process: Process;
  readonly #system: System;
  readonly #store: StoreClient;
  readonly #queue: QueueClient;
  /** Create jobs that this replica answered with an error. */
  readonly #refused = new Set<string>();
  #participants = 0;

  constructor(process: Process, system: System) {
    this.process = process;
    this.#system = system;
    this.#store = new StoreClient(system.mongo, process);
    this.#queue = system.queue.client(process);
  }

  /** @param isShared whether other requests may take part in the write: it has an Idempotency-Key */
  async create(id: string, terms: Partial<SettableTerms> = {}, isShared = false): Promise<Answer> {
    const begun = this.#now();
    const job = `create-${id}`;
    const write = isShared ? new SharedWrite(id, this.#newParticipant(), this.#queue) : null;
    if (write !== null && !(await write.begin(begun))) return { status: "not sent" };
    if (!(await this.#submit("create-key", job, { name: null, terms, deadline: begun + JOB_MS })))
      return { status: "not sent" };
    const result = await this.#queue.awaitResult<CreateResult>(job, begun + RESOLVE_AFTER_MS - this.#now());
    if (result !== null) return this.#completed(job, answerOf(result), write);
    const claim = await write?.claim();
    if (claim !== undefined && claim !== "granted") return claim;
    return this.#completed(job, await this.#resolve(job, begun + ANSWER_AFTER_MS), write);
  }

  /**
   * A second request of the same write. It may read what became of the job, and resolves it only when the one that led is dead; then
   * a worker's result is not the last word, since that one may have cancelled the job.
   */
  async replay(id: string, terms: Partial<SettableTerms>): Promise<Answer> {
    const job = `create-${id}`;
    const write = new SharedWrite(id, this.#newParticipant(), this.#queue);
    const place = await write.join();
    if (place === null) return NONE;
    if (place.role === "replay") return onlySuccess(place.answer);
    const payload = { name: null, terms, deadline: place.startedAt + JOB_MS };
    if (!(await this.#submit("create-key", job, payload))) return NONE;
    const result = await this.#queue.awaitResult<CreateResult>(job, RESOLVE_AFTER_MS);
    const isCancelled = await this.#isCancelled(job);
    if (isCancelled === null) return NONE;
    if (!isCancelled && result?.outcome === "created")
      return onlySuccess(await this.#completed(job, answerOf(result), write));
    const claim = await write.claim();
    if (claim !== "granted") return onlySuccess(claim);
    return onlySuccess(await this.#completed(job, await this.#resolveAfterOther(job), write));
  }

  async delete(keyId: number, id: string): Promise<DeleteAnswer> {
    const begun = this.#now();
    const job = `delete-${id}`;
    const before = await this.#read(() => this.#store.find(keyId));
    if (before === "unreadable") return "error";
    if (before?.phase !== "active" || this.#refused.has(before.job)) return 404;
    if (!(await this.#submit("delete-key", job, { keyId, deadline: begun + JOB_MS }))) return "error";
    const result = await this.#queue.awaitResult<{ outcome: string }>(job, begun + RESOLVE_AFTER_MS - this.#now());
    if (result !== null) return result.outcome === "deleted" ? 200 : result.outcome === "not-found" ? 404 : "error";
    const after = await this.#read(() => this.#store.find(keyId));
    if (after === "unreadable" || after?.phase === "active") return "error";
    if (after?.deleter !== job) return 404;
    return after.phase === "gone" ? 200 : "error";
  }

  /** Also sent a second time with the id of the first: the change is then made once. */
  async change(id: string, keyId: number, change: KeyChange): Promise<ChangeAnswer> {
    const payload: ChangePayload = { keyId, owner: null, change, ifRevision: null, deadline: this.#now() + JOB_MS };
    return this.#change("change-key", `change-${id}`, payload);
  }

  async put(id: string, externalId: string, terms: Partial<SettableTerms>): Promise<ChangeAnswer> {
    const payload: PutPayload = { externalId, requested: { owner: null, terms }, deadline: this.#now() + JOB_MS };
    return this.#change("put-key", `put-${id}`, payload);
  }

  /** Without waiting for longer than an app does. Null when nobody answered. */
  async registerDevice(job: string, keyId: number, device: string): Promise<RegisterDeviceResult | null> {
    const payload: DevicePayload = { keyId, device, deadline: this.#now() + DEVICE_JOB_MS };
    if (!(await this.#submit("register-device", job, payload))) return null;
    return this.#queue.awaitResult<RegisterDeviceResult>(job, DEVICE_WAIT_MS);
  }

  async #change(name: string, job: string, payload: object): Promise<ChangeAnswer> {
    if (!(await this.#submit(name, job, payload))) return { status: "error" };
    const result = await this.#queue.awaitResult<PutResult>(job, RESOLVE_AFTER_MS);
    if (result?.outcome === "created") return { status: 200, key: result.key, isChanged: false };
    if (result?.outcome === "changed") return { status: 200, key: result.key, isChanged: result.isChanged };
    return { status: "error" };
  }

  /** Whether a caller of this replica would find the key of a create job in a list. */
  shows(job: string): boolean {
    const isActive = [...this.#system.mongo.keys.values()].some((key) => key.job === job && key.phase === "active");
    return isActive && !this.#refused.has(job);
  }

  #newParticipant(): string {
    this.#participants += 1;
    return `${this.process.name}-${this.#participants}`;
  }

  /** What stands as the write's outcome when this request has come to an answer. */
  async #completed(job: string, own: Answer, write: SharedWrite | null): Promise<Answer> {
    const answer = write === null || own.status === "none" ? own : await write.complete(own);
    if (answer.status === "error" || answer.status === "uncancelled") this.#refused.add(job);
    return answer;
  }

  /** Null while Redis is away. */
  #isCancelled(job: string): Promise<boolean | null> {
    return this.#queue.exists(`cancel-${job}`).catch(nullWhileAway);
  }

  /** As one that takes over: what its predecessor cancelled stays cancelled, whether or not a worker has come to it. */
  async #resolveAfterOther(job: string): Promise<Answer> {
    const isCancelled = await this.#isCancelled(job);
    if (isCancelled === null) return NONE;
    return isCancelled ? { status: "error" } : this.#resolve(job, this.#now() + RESOLVE_MS, "takeover");
  }

  /** Past the deadline, without the worker's word. */
  async #resolve(job: string, answerBy: number, role: "leader" | "takeover" = "leader"): Promise<Answer> {
    const found = await this.#read(() => this.#store.findByCreateJob(job));
    // The one that led before may have answered that the key is there.
    if (found === "unreadable" && role === "takeover") return NONE;
    if (found !== "unreadable" && found !== null) {
      return wasCreated(found) ? { status: 200, keyId: found.keyId, uuid: found.uuid } : { status: "error" };
    }
    while (this.#now() < answerBy) {
      if (await this.#submit("cancel-creation", `cancel-${job}`, { job }, "surely")) return { status: "error" };
      await this.#system.world.sleep(CANCEL_AGAIN_MS, this.process);
    }
    return { status: found === null ? "uncancelled" : "none" };
  }

  async #read(find: () => Promise<KeyRecord | null>): Promise<KeyRecord | null | "unreadable"> {
    try {
      return await find();
    } catch (error) {
      if (error instanceof StoreUnavailableError) return "unreadable";
      throw error;
    }
  }

  /** @returns false when it was not enqueued, or when `surely` is asked for and it is not known to be */
  async #submit(
    name: string,
    job: string,
    payload: object,
    certainty: "perhaps" | "surely" = "perhaps",
  ): Promise<boolean> {
    try {
      await this.#queue.submit(name, job, payload);
      return true;
    } catch (error) {
      if (!(error instanceof RedisAwayError)) throw error;
      return certainty === "perhaps" && error.mayHaveHappened;
    }
  }

  #now(): number {
    return this.#system.clockOf(this.process).now();
  }
}

function answerOf(result: CreateResult): Answer {
  if (result.outcome !== "created") return { status: "error" };
  return { status: 200, keyId: result.key.keyId, uuid: result.key.uuid };
}
