import type { RememberedJobs } from "@veil/idempotency";
import { z } from "zod";

/** The fields of a document that remembers the jobs which changed it. */
export const rememberedJobs = {
  jobs: z.array(z.string()).default([]),
  /** Unix seconds. Missing where a version before did not note them. */
  jobs_at: z.array(z.number().nullable()).exactOptional(),
} as const;

type StoredJobs = Readonly<z.output<z.ZodObject<typeof rememberedJobs>>>;

export function toRememberedJobs({ jobs, jobs_at: jobsAt }: StoredJobs): RememberedJobs {
  return { jobs, ...(jobsAt !== undefined && { jobsAt }) };
}

export function toStoredJobs({ jobs, jobsAt }: RememberedJobs): StoredJobs {
  return { jobs: [...jobs], ...(jobsAt !== undefined && { jobs_at: [...jobsAt] }) };
}
