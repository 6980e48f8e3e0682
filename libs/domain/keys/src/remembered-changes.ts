import { isOfSameWrite, mayBeRepeated, remember } from "@veil/idempotency";
import type { KeyRecord } from "./access-key.ts";

/** The jobs that have changed a key, and when. */
export type RememberedChanges = Pick<KeyRecord, "changedBy" | "changedAt">;

/** Jobs whose changes a key has and that a repeat may still mean, the newest last. @param now milliseconds since the epoch */
export function repeatableChanges({ changedBy, changedAt }: RememberedChanges, now: number): readonly string[] {
  return changedBy.filter((job, index) => mayBeRepeated(job, changedAt[index] ?? null, now));
}

/** What a key remembers once this job has changed it; an earlier write of the same name is over. @param now milliseconds since the epoch */
export function withChange({ changedBy, changedAt }: RememberedChanges, job: string, now: number): RememberedChanges {
  const others = changedBy.map((_, index) => index).filter((index) => !isOfSameWrite(changedBy[index] ?? "", job));
  const jobs = remember(
    others.map((index) => changedBy[index] ?? ""),
    job,
  );
  const moments = [...others.map((index) => changedAt[index] ?? null), Math.floor(now / 1_000)];
  return { changedBy: jobs, changedAt: moments.slice(-jobs.length) };
}
