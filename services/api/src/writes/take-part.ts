import type { Clock } from "@veil/key-lifecycle";
import {
  OutcomeUnknownError,
  WriteFailedError,
  WriteMismatchError,
  WriteRecordsUnavailableError,
  WriteRefusedError,
  WriteSettledError,
  WriteUnseenError,
  WriteUnseenUnavailableError,
} from "../errors.ts";
import { errorReply } from "../http/error-reply.ts";
import type { JsonReply, Reply } from "../http/reply.ts";
import type { RequestScope } from "../ports.ts";
import type { Judgement, Turn, WriteRecords } from "./write-records.ts";

/** A write that others may take part in. */
export interface SharedWrite {
  /** Names it among all writes. */
  readonly id: string;
  readonly fingerprint: string;
  readonly request: string;
  /** Carries the write out as far as it is not yet, whoever began it. */
  readonly run: (scope: RequestScope) => Promise<Reply>;
  /** How long the one that leads may take, in milliseconds. */
  readonly leaseMs: number;
  /** How long the write may take at least, in milliseconds. */
  readonly leastDeadlineMs: number;
  /** False for one who only settles what a dead leader left, and begins nothing anew. */
  readonly retriesAbandoned?: boolean;
  /** Told when the job is in the queue. */
  readonly onSubmitted?: () => void;
}

export interface TakePartPorts {
  readonly records: WriteRecords;
  readonly clock: Clock;
  readonly newId: () => string;
}

export interface SharedAnswer {
  readonly reply: JsonReply;
  /** True when this request did not lead the write. */
  readonly replayed: boolean;
}

const askAgainMs = 100;

/**
 * Takes part in a write that may have been begun by another request, on this replica or on one that is dead by now.
 *
 * All that take part give the job the same id, so that it is done once. One of them leads, and it alone may judge what
 * became of the job; the others read the job's result, or wait for the leader's answer. When the leader's time is up,
 * another one takes its place. An error that surely left nothing behind is answered once; the next request then begins a
 * new attempt, under a job id of its own.
 *
 * @throws WriteMismatchError; WriteRecordsUnavailableError when nothing was begun; OutcomeUnknownError; what `run` throws
 */
export async function takePart(write: SharedWrite, scope: RequestScope, ports: TakePartPorts): Promise<SharedAnswer> {
  while (true) {
    const participant = ports.newId();
    const { fingerprint, request, leaseMs } = write;
    const turn = await ports.records.begin(write.id, {
      participant,
      fingerprint,
      request,
      leaseMs,
      startedAt: ports.clock.now(),
    });
    if (turn.role === "stranger") throw new WriteMismatchError();
    if (turn.role === "settled") return { reply: turn.reply, replayed: true };
    const participation = new Participation(write, turn, participant, ports);
    const answer = await participation.carryOut(scope);
    if (answer !== "again") return answer;
  }
}

type OpenTurn = Extract<Turn, { readonly attempt: number }>;

class Participation {
  readonly #write: SharedWrite;
  readonly #turn: OpenTurn;
  readonly #participant: string;
  readonly #ports: TakePartPorts;
  readonly #leadsUntil: number;
  #granted = false;

  constructor(write: SharedWrite, turn: OpenTurn, participant: string, ports: TakePartPorts) {
    this.#write = write;
    this.#turn = turn;
    this.#participant = participant;
    this.#ports = ports;
    this.#leadsUntil = performance.now() + write.leaseMs;
  }

  async carryOut(scope: RequestScope): Promise<SharedAnswer | "again"> {
    const { attempt, startedAt } = this.#turn;
    const turn = {
      jobKey: `${this.#write.id}-${attempt}`,
      startedAt,
      leastDeadlineMs: this.#write.leastDeadlineMs,
      isFirst: this.#turn.role === "leader",
      onSubmitted: this.#write.onSubmitted ?? (() => undefined),
      becomeJudge: (jobId: string) => this.#becomeJudge(jobId),
    };
    try {
      const reply = await this.#write.run({ ...scope, turn });
      if (reply.kind !== "json") throw new Error("a write answers JSON");
      return await this.#settle(reply, "final");
    } catch (error) {
      return this.#endWith(error);
    }
  }

  async #endWith(error: unknown): Promise<SharedAnswer | "again"> {
    if (error instanceof WriteSettledError) return { reply: error.reply, replayed: true };
    const { reply } = errorReply(error);
    const end = this.#endOf(error);
    if (end === "unsure" || reply.kind !== "json") {
      await this.#release();
      throw error;
    }
    const answer = await this.#settle(reply, end);
    // What the dead leader left is settled now: nothing was done. This request has waited for it and may begin anew.
    if (this.#turn.role === "heir" && end === "passing" && this.#write.retriesAbandoned !== false) return "again";
    if (answer.replayed) return answer;
    throw error;
  }

  /** `unsure`: something may have been done; the next request takes part in the same attempt. */
  #endOf(error: unknown): "final" | "passing" | "unsure" {
    if (error instanceof WriteUnseenError || error instanceof WriteUnseenUnavailableError) return "unsure";
    // Only the leader of an attempt knows a refusal for one: whoever comes later may see its own predecessor's cancellation.
    if (error instanceof WriteRefusedError) return this.#turn.role === "leader" ? "final" : "passing";
    if (error instanceof WriteFailedError) return "passing";
    const { reply } = errorReply(error);
    return reply.kind === "json" && reply.status < 500 ? "final" : "unsure";
  }

  async #settle(reply: JsonReply, end: "final" | "passing"): Promise<SharedAnswer> {
    const { records } = this.#ports;
    const settlement = { participant: this.#participant, attempt: this.#turn.attempt, reply, end };
    const own = { reply, replayed: this.#turn.role !== "leader" };
    while (true) {
      let judgement: Judgement;
      try {
        judgement = await records.settle(this.#write.id, settlement);
      } catch (error) {
        // Nobody takes a leader's place before its time is up, so until then its answer is the answer.
        const leads = this.#turn.role !== "follower" || this.#granted;
        if (error instanceof WriteRecordsUnavailableError && leads && performance.now() < this.#leadsUntil) return own;
        throw error instanceof WriteRecordsUnavailableError ? new OutcomeUnknownError(this.#write.id) : error;
      }
      if (judgement.state === "granted") return own;
      if (judgement.state === "settled") return { reply: judgement.reply, replayed: true };
      if (judgement.state === "gone") throw new OutcomeUnknownError(this.#write.id);
      await this.#ports.clock.sleep(Math.min(askAgainMs, judgement.leftMs + 1));
    }
  }

  async #becomeJudge(jobId: string): Promise<void> {
    const { records, clock } = this.#ports;
    const { attempt } = this.#turn;
    while (true) {
      let judgement: Judgement;
      try {
        judgement = await records.judge(this.#write.id, this.#participant, attempt, this.#write.leaseMs);
      } catch (error) {
        if (error instanceof WriteRecordsUnavailableError) throw new OutcomeUnknownError(jobId);
        throw error;
      }
      if (judgement.state === "granted") {
        this.#granted = true;
        return;
      }
      if (judgement.state === "settled") throw new WriteSettledError(judgement.reply);
      if (judgement.state === "gone") throw new OutcomeUnknownError(jobId);
      await clock.sleep(Math.min(askAgainMs, judgement.leftMs + 1));
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
