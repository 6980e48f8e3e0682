import { isOfSameWrite, knowsWriteOf, mayBeRepeated, remember } from "@veil/idempotency";
import type { KeyRecord } from "./access-key.ts";

/** The jobs that have changed a key, and when. */
type RememberedChanges = Pick<KeyRecord, "changedBy" | "changedAt">;

/** Jobs whose changes a key has and that a repeat may still mean, the newest last. @param now milliseconds since the epoch */
export function repeatableChanges({ changedBy, changedAt }: RememberedChanges, now: number): readonly string[] {
  return changedBy.filter((job, index) => mayBeRepeated(job, changedAt[index] ?? null, now));
}

/** Whether a key has the change of a job, made by it or by another attempt of its write. @param now milliseconds since the epoch */
export function hasChangeOf(key: RememberedChanges, job: string, now: number): boolean {
  return knowsWriteOf(repeatableChanges(key, now), job);
}

/** Whether a key was made by a job, or by another attempt of its write. @param now milliseconds since the epoch */
export function isMadeBy(key: Pick<KeyRecord, "job" | "createdAt">, job: string, now: number): boolean {
  return isOfSameWrite(key.job, job) && mayBeRepeated(key.job, key.createdAt, now);
}

/** What a key remembers once this job has changed it; an earlier write of the same name is over. @param now milliseconds since the epoch */
export function withChange({ changedBy, changedAt }: RememberedChanges, job: string, now: number): RememberedChanges {
  const others = changedBy
    .map((other, index) => ({ job: other, at: changedAt[index] ?? null }))
    .filter((other) => !isOfSameWrite(other.job, job));
  const changes = remember(others, { job, at: Math.floor(now / 1_000) });
  return { changedBy: changes.map((change) => change.job), changedAt: changes.map(({ at }) => at) };
}
