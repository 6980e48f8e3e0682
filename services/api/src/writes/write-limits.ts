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

/**
 * The moments of a request's write. One that joins a write begun earlier keeps the job's deadline, and has time of its own
 * to ask for the result and to judge.
 */
export function limitsOf(
  { turn }: RequestScope,
  { clock, writeDeadlineMs }: { readonly clock: Clock; readonly writeDeadlineMs: number },
): WriteLimits {
  const now = clock.now();
  if (turn === undefined) return writeLimits(now, writeDeadlineMs);
  const limits = writeLimits(turn.startedAt, writeDeadlineMs);
  const judgeAt = Math.max(limits.judgeAt, now + Math.round(writeDeadlineMs * judgeShare));
  return {
    ...limits,
    judgeAt,
    answerBy: Math.max(limits.answerBy, judgeAt + Math.round(writeDeadlineMs * judgeShare)),
  };
}

/** Waits until this request is the judge, and says until when it has to answer then. */
export async function judgingLimits(
  jobId: string,
  limits: WriteLimits,
  { turn }: RequestScope,
  { clock, writeDeadlineMs }: { readonly clock: Clock; readonly writeDeadlineMs: number },
): Promise<WriteLimits> {
  if (turn === undefined) return limits;
  await turn.becomeJudge(jobId);
  return { ...limits, answerBy: Math.max(limits.answerBy, clock.now() + Math.round(writeDeadlineMs * judgeShare)) };
}
