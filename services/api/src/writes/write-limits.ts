import type { Clock } from "@veil/key-lifecycle";
import type { RequestScope } from "../ports.ts";

/** The moments that matter to one write, in milliseconds since the epoch. */
export interface WriteLimits {
  /** The job may change nothing after it. */
  readonly jobDeadline: number;
  /** By now the job has surely ended, however the clocks of this host and the worker's differ. */
  readonly judgeAt: number;
  /** The answer is known; what is left is for sending it. */
  readonly answerBy: number;
}

const jobShare = 0.8;
/** What clocks may differ by, and what a write begun just before the deadline takes to land. */
const slackShare = 0.08;
const judgeShare = 0.1;

/** Divides the time that a caller waits for a write: 10 s become 8 s for the job, 0.8 s of slack, 1 s to judge. */
export function writeLimits(now: number, writeDeadlineMs: number): WriteLimits {
  return {
    jobDeadline: now + Math.round(writeDeadlineMs * jobShare),
    judgeAt: now + Math.round(writeDeadlineMs * (jobShare + slackShare)),
    answerBy: now + Math.round(writeDeadlineMs * (jobShare + slackShare + judgeShare)),
  };
}

interface LimitPorts {
  readonly clock: Clock;
  readonly writeDeadlineMs: number;
}

/** What every item adds to the time that a batch may take: a node that is busy takes some milliseconds for a user. */
const perItemMs = 40;

/** How long the caller of a batch of so many items waits at most. */
export function batchDeadlineMs(writeDeadlineMs: number, items: number): number {
  return writeDeadlineMs + items * perItemMs;
}

/**
 * The moments of a request's write: what was waited for before, a rate limiter for one, is part of the deadline. One that
 * joins a write begun earlier keeps the job's deadline, and has time of its own to ask for the result and to judge.
 */
export function limitsOf({ turn, receivedAt }: RequestScope, { clock, writeDeadlineMs }: LimitPorts): WriteLimits {
  const now = clock.now();
  if (turn === undefined) return writeLimits(receivedAt ?? now, writeDeadlineMs);
  const limits = writeLimits(turn.startedAt, Math.max(writeDeadlineMs, turn.leastDeadlineMs));
  const judgeAt = Math.max(limits.judgeAt, now + judgeMs(writeDeadlineMs));
  return { ...limits, judgeAt, answerBy: Math.max(limits.answerBy, judgeAt + judgeMs(writeDeadlineMs)) };
}

/** Waits until this request is the judge, and says until when it has to answer then. */
export async function judgingLimits(
  jobId: string,
  limits: WriteLimits,
  { turn }: RequestScope,
  { clock, writeDeadlineMs }: LimitPorts,
): Promise<WriteLimits> {
  if (turn === undefined) return limits;
  await turn.becomeJudge(jobId);
  return { ...limits, answerBy: Math.max(limits.answerBy, clock.now() + judgeMs(writeDeadlineMs)) };
}

function judgeMs(writeDeadlineMs: number): number {
  return Math.round(writeDeadlineMs * judgeShare);
}
