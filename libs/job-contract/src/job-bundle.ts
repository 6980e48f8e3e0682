import { z } from "zod";

/** Most jobs that travel together: enough to make BullMQ's part small, few enough for several workers to share a burst. */
export const largestBundle = 32;

const bundle = z.object({
  bundle: z
    .array(z.object({ id: z.string(), requested_at: z.number(), payload: z.unknown() }))
    .min(1)
    .max(largestBundle),
});

const bundleResult = z.object({
  bundle: z.array(z.object({ id: z.string(), result: z.unknown(), failed: z.string().optional() })),
});

/** One of the jobs that travel together. */
export type BundledJob = z.infer<typeof bundle>["bundle"][number];

/** How one of them ended: with its result, or for good without one. */
export type BundledEnd = z.infer<typeof bundleResult>["bundle"][number];

/**
 * Jobs of one name that were submitted at the same moment travel as one BullMQ job of that name: what BullMQ costs in Redis,
 * in the producer and in the worker is then paid once for all. Each keeps its id, its payload and its result.
 */
export interface Bundle {
  readonly bundle: readonly BundledJob[];
}

/** The jobs that travel in a BullMQ job's data, null when it carries none but itself. */
export function bundledJobs(data: unknown): readonly BundledJob[] | null {
  return isBundle(data) ? bundle.parse(data).bundle : null;
}

/** How the jobs of a bundle ended, null when the result is that of a single job. */
export function bundledEnds(result: unknown): readonly BundledEnd[] | null {
  return isBundle(result) ? bundleResult.parse(result).bundle : null;
}

function isBundle(value: unknown): boolean {
  return typeof value === "object" && value !== null && "bundle" in value;
}
