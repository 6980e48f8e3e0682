import { attemptId } from "@veil/idempotency";
import type { Clock } from "@veil/keys";
import {
  IdempotencyKeyReusedError,
  OutcomeUnknownError,
  WriteCompletedError,
  WriteRecordsUnavailableError,
} from "../errors.ts";
import type { RequestScope } from "../ports.ts";
import type { Outcome } from "../reply/reply.ts";
import type { Claim, Participation, WriteRecords } from "./write-records.ts";

/** A write that several requests may take part in, and that is done once. */
export interface IdempotentWrite {
  /** Names it among all writes. */
  readonly id: string;
  readonly fingerprint: string;
  readonly request: string;
  /** Whether others ask what became of it, without the request: its outcome is then stored even if it came to nothing. */
  readonly isAskedFor: boolean;
  /** Carries the write out as far as it is not yet, whoever began it. */
  readonly run: (scope: RequestScope) => Promise<Outcome>;
  /** How long the one that leads may take, in milliseconds. */
  readonly leaseMs: number;
  /** How long the write may take at least, in milliseconds. */
  readonly leastDeadlineMs: number;
  /** False for one who only completes what a dead leader left, and begins nothing anew. */
  readonly retriesAbandoned?: boolean;
  /** Called when the job is in the queue. */
  readonly onSubmitted?: () => void;
}

/** The class of a failed write's error. */
export type FailureClass =
  | {
      /**
       * `final`: every repeat would fail like this. `rejected`: the same, but only the leader of an attempt can tell: whoever
       * comes later may see its own predecessor's cancellation. `retryable`: surely nothing was done.
       */
      readonly end: "final" | "rejected" | "retryable";
      readonly outcome: Outcome;
    }
  /** Something may have been done; the next request takes part in the same attempt. */
  | { readonly end: "indeterminate" };

export interface RunOncePorts {
  readonly records: WriteRecords;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly classify: (error: unknown) => FailureClass;
}

export interface SharedOutcome {
  readonly outcome: Outcome;
  /** True when this request did not lead the write. */
  readonly replayed: boolean;
}

const RETRY_MS = 100;

/**
 * Takes part in a write that may have been begun by another request, on this replica or on one that is dead by now.
 *
 * All that take part give the job the same id, so that it is done once. One of them leads, and it alone may resolve what
 * became of the job; the others read the job's result, or wait for the leader's outcome. When the leader's time is up,
 * another one takes over. An error that surely left nothing behind is answered once; the next request then begins a
 * new attempt, under a job id of its own.
 *
 * @throws {IdempotencyKeyReusedError} when the id belongs to another request
 * @throws {WriteRecordsUnavailableError} when nothing was begun
 * @throws {OutcomeUnknownError} when it is not known what became of the write
 * @throws {Error} what `run` throws, when this request's failure is the outcome
 */
export async function runOnce(
  write: IdempotentWrite,
  scope: RequestScope,
  ports: RunOncePorts,
): Promise<SharedOutcome> {
  while (true) {
    const participant = ports.newId();
    const { fingerprint, request, leaseMs } = write;
    const startedAt = ports.clock.now();
    const place = await ports.records.join(write.id, { participant, fingerprint, request, leaseMs, startedAt });
    if (place.role === "key-mismatch") throw new IdempotencyKeyReusedError();
    if (place.role === "replay") return { outcome: place.outcome, replayed: true };
    const shared = await new Attempt(write, place, participant, ports).run(scope);
    if (shared !== "again") return shared;
  }
}

/**
 * Stores what came of an attempt's job, for one who read it from the queue and takes no part in the write. From then on it is the
 * outcome for whoever leads it, too.
 *
 * @returns the outcome that stands; null while another one resolves it, or when the attempt is over
 * @throws {WriteRecordsUnavailableError} when it is not known whether it stands
 */
export async function completeFromJob(
  id: string,
  attempt: number,
  outcome: Outcome,
  { records, newId }: Pick<RunOncePorts, "records" | "newId">,
): Promise<Outcome | null> {
  const stored = storedPart(outcome);
  const claim = await records.complete(id, { participant: newId(), attempt, outcome: stored, end: "final" });
  if (claim.state === "granted") return stored;
  return claim.state === "completed" ? claim.outcome : null;
}

/** What is shown once is stored nowhere. */
function storedPart(outcome: Outcome): Outcome {
  const { shownOnce: _, ...stored } = outcome;
  return stored;
}

type OpenParticipation = Extract<Participation, { readonly attempt: number }>;

/** One request's part in one attempt of a write. */
class Attempt {
  readonly #write: IdempotentWrite;
  readonly #place: OpenParticipation;
  readonly #participant: string;
  readonly #ports: RunOncePorts;
  readonly #leadsUntil: number;
  #mayResolve = false;
  #hasSubmitted = false;

  constructor(write: IdempotentWrite, place: OpenParticipation, participant: string, ports: RunOncePorts) {
    this.#write = write;
    this.#place = place;
    this.#participant = participant;
    this.#ports = ports;
    this.#leadsUntil = performance.now() + write.leaseMs;
  }

  async run(scope: RequestScope): Promise<SharedOutcome | "again"> {
    const { attempt: number, startedAt, role } = this.#place;
    const attempt = {
      jobKey: attemptId(this.#write.id, number),
      startedAt,
      leastDeadlineMs: this.#write.leastDeadlineMs,
      isFirst: role === "leader",
      retriesFailed: role !== "leader",
      onSubmitted: () => {
        this.#hasSubmitted = true;
        this.#write.onSubmitted?.();
      },
      becomeResolver: (jobId: string) => this.#becomeResolver(jobId),
    };
    try {
      const outcome = await this.#write.run({ ...scope, attempt });
      return this.#cameToNothing() ? await this.#forget(outcome) : await this.#complete(outcome, "final");
    } catch (error) {
      return this.#endWith(error);
    }
  }

  async #endWith(error: unknown): Promise<SharedOutcome | "again"> {
    if (error instanceof WriteCompletedError) return { outcome: error.outcome, replayed: true };
    const { role } = this.#place;
    const failure = this.#ports.classify(error);
    if (failure.end === "indeterminate") {
      await this.#release();
      throw error;
    }
    if (failure.end === "final" && this.#cameToNothing()) {
      await this.#forget(failure.outcome);
      throw error;
    }
    const rejected = role === "leader" ? "final" : "retryable";
    const end = failure.end === "rejected" ? rejected : failure.end;
    const shared = await this.#complete(failure.outcome, end);
    if (shared === "again") return shared;
    // The leftovers of the dead leader are complete now: nothing was done. This request has waited for it and may begin
    // anew.
    if (role === "takeover" && end === "retryable" && this.#write.retriesAbandoned !== false) return "again";
    if (shared.replayed) return shared;
    throw error;
  }

  /** Whether nothing was asked of the queue, by anybody: a repeat may be carried out anew, and nothing need be kept for it. */
  #cameToNothing(): boolean {
    return this.#place.role === "leader" && !this.#hasSubmitted && !this.#write.isAskedFor;
  }

  async #forget(outcome: Outcome): Promise<SharedOutcome> {
    try {
      await this.#ports.records.forget(this.#write.id, this.#participant, this.#place.attempt);
    } catch (error) {
      if (!(error instanceof WriteRecordsUnavailableError)) throw error;
    }
    return { outcome, replayed: false };
  }

  async #complete(outcome: Outcome, end: "final" | "retryable"): Promise<SharedOutcome | "again"> {
    const stored = storedPart(outcome);
    const completion = { participant: this.#participant, attempt: this.#place.attempt, outcome: stored, end };
    const own =
      this.#place.role === "leader" ? { outcome, replayed: false } : ({ outcome: stored, replayed: true } as const);
    while (true) {
      let claim: Claim;
      try {
        claim = await this.#ports.records.complete(this.#write.id, completion);
      } catch (error) {
        if (!(error instanceof WriteRecordsUnavailableError)) throw error;
        // No other takes over before the leader's time is up, so until then its outcome is the outcome.
        const leads = this.#place.role !== "follower" || this.#mayResolve;
        if (leads && performance.now() < this.#leadsUntil) return own;
        throw new OutcomeUnknownError(this.#write.id);
      }
      if (claim.state === "granted") return own;
      if (claim.state === "completed") return { outcome: claim.outcome, replayed: true };
      if (claim.state === "gone") {
        // The leader found nothing to do, and so did this one.
        if (this.#place.role === "follower" && !this.#hasSubmitted) return "again";
        throw new OutcomeUnknownError(this.#write.id);
      }
      // It died while it resolved the outcome. The next request takes the write over; nothing else ends this wait.
      if (claim.leftMs === 0) throw new OutcomeUnknownError(this.#write.id);
      await this.#ports.clock.sleep(Math.min(RETRY_MS, claim.leftMs + 1));
    }
  }

  async #becomeResolver(jobId: string): Promise<void> {
    const { records, clock } = this.#ports;
    while (true) {
      let claim: Claim;
      try {
        const { id, leaseMs } = this.#write;
        claim = await records.claimOutcome(id, this.#participant, this.#place.attempt, leaseMs);
      } catch (error) {
        if (error instanceof WriteRecordsUnavailableError) throw new OutcomeUnknownError(jobId);
        throw error;
      }
      if (claim.state === "granted") {
        this.#mayResolve = true;
        return;
      }
      if (claim.state === "completed") throw new WriteCompletedError(claim.outcome);
      if (claim.state === "gone") throw new OutcomeUnknownError(jobId);
      await clock.sleep(Math.min(RETRY_MS, claim.leftMs + 1));
    }
  }

  async #release(): Promise<void> {
    try {
      await this.#ports.records.release(this.#write.id, this.#participant);
    } catch (error) {
      if (!(error instanceof WriteRecordsUnavailableError)) throw error;
    }
  }
}
