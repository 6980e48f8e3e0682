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
