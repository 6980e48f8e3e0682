import {
  isOfSameWrite,
  knowsWriteOf,
  mayBeRepeated,
  remember,
  type RememberedJobs,
  repeatableJobs,
} from "@veil/idempotency";
import type { KeyRecord } from "./access-key.ts";

/** The jobs that have changed a key, and when. */
type RememberedChanges = Pick<KeyRecord, "changedBy" | "changedAt">;

/** Jobs whose changes a key has and that a repeat may still mean, the newest last. @param now milliseconds since the epoch */
export function repeatableChanges(key: RememberedChanges, now: number): readonly string[] {
  return repeatableJobs(jobsOf(key), now);
}

/** Whether a key has the change of a job, made by it or by another attempt of its write. @param now milliseconds since the epoch */
export function hasChangeOf(key: RememberedChanges, job: string, now: number): boolean {
  return knowsWriteOf(jobsOf(key), job, now);
}

/** Whether a key was made by a job, or by another attempt of its write. @param now milliseconds since the epoch */
export function isMadeBy(key: Pick<KeyRecord, "job" | "createdAt">, job: string, now: number): boolean {
  return isOfSameWrite(key.job, job) && mayBeRepeated(key.job, key.createdAt, now);
}

/** What a key remembers once this job has changed it; an earlier write of the same name is over. @param now milliseconds since the epoch */
export function withChange(key: RememberedChanges, job: string, now: number): RememberedChanges {
  const { jobs, jobsAt } = remember(jobsOf(key), job, now);
  return { changedBy: jobs, changedAt: jobsAt };
}

function jobsOf({ changedBy, changedAt }: RememberedChanges): RememberedJobs {
  return { jobs: changedBy, jobsAt: changedAt };
}
