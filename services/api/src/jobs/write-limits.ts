import { type Clock, JOB_SHARE, RESOLVE_SHARE, SLACK_SHARE } from "@veil/keys";
import type { RequestScope } from "../ports.ts";

/** The moments that matter to one write, in milliseconds since the epoch. */
export interface WriteLimits {
  /** The job may change nothing after it. */
  readonly jobDeadline: number;
  /** By now the job has surely ended, however the clocks of this host and the worker's differ. */
  readonly resolveAt: number;
  /** The answer is known; what is left is for sending it. */
  readonly answerBy: number;
}

/** Divides the time that a caller waits for a write: 10 s become 8 s for the job, 0.8 s of slack, 1 s to resolve. */
function writeLimits(now: number, writeDeadlineMs: number): WriteLimits {
  return {
    jobDeadline: now + Math.round(writeDeadlineMs * JOB_SHARE),
    resolveAt: now + Math.round(writeDeadlineMs * (JOB_SHARE + SLACK_SHARE)),
    answerBy: now + Math.round(writeDeadlineMs * (JOB_SHARE + SLACK_SHARE + RESOLVE_SHARE)),
  };
}

interface LimitPorts {
  readonly clock: Clock;
  readonly writeDeadlineMs: number;
}

/** The time that every item adds to a batch's: a node that is busy takes some milliseconds for a user. */
const PER_ITEM_MS = 40;

/** How long the caller of a batch of so many items waits at most. */
export function batchDeadlineMs(writeDeadlineMs: number, items: number): number {
  return writeDeadlineMs + items * PER_ITEM_MS;
}

/**
 * The moments of a request's write: what was waited for before, a rate limiter for one, is part of the deadline. One that
 * joins a write begun earlier keeps the job's deadline, and has time of its own to ask for the result and to resolve it.
 */
export function limitsOf({ attempt, receivedAt }: RequestScope, { clock, writeDeadlineMs }: LimitPorts): WriteLimits {
  const now = clock.now();
  if (attempt === undefined) return writeLimits(receivedAt ?? now, writeDeadlineMs);
  const limits = writeLimits(attempt.startedAt, Math.max(writeDeadlineMs, attempt.leastDeadlineMs));
  const resolveAt = Math.max(limits.resolveAt, now + resolveMs(writeDeadlineMs));
  return { ...limits, resolveAt, answerBy: Math.max(limits.answerBy, resolveAt + resolveMs(writeDeadlineMs)) };
}

/** {@link limitsOf} a batch of so many items. */
export function batchLimitsOf(items: number, scope: RequestScope, { clock, writeDeadlineMs }: LimitPorts): WriteLimits {
  return limitsOf(scope, { clock, writeDeadlineMs: batchDeadlineMs(writeDeadlineMs, items) });
}

/** Waits until this request is the outcome's resolver, and says until when it has to answer then. */
export async function resolverLimits(
  jobId: string,
  limits: WriteLimits,
  { attempt }: RequestScope,
  { clock, writeDeadlineMs }: LimitPorts,
): Promise<WriteLimits> {
  if (attempt === undefined) return limits;
  await attempt.becomeResolver(jobId);
  return { ...limits, answerBy: Math.max(limits.answerBy, clock.now() + resolveMs(writeDeadlineMs)) };
}

function resolveMs(writeDeadlineMs: number): number {
  return Math.round(writeDeadlineMs * RESOLVE_SHARE);
}
