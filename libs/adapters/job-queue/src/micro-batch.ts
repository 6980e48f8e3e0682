import { z } from "zod";
import { JobShapeError } from "./errors.ts";

/** Most jobs of a micro-batch: enough to make BullMQ's part small, few enough for several workers to share a burst. */
export const LARGEST_MICRO_BATCH = 32;

// In Redis a micro-batch is stored as `bundle`: workers of any release since 1.1 know it by that name.
const microBatch = z.object({
  bundle: z
    .array(z.object({ id: z.string(), requested_at: z.number(), payload: z.unknown() }))
    .min(1)
    .max(LARGEST_MICRO_BATCH),
});

const microBatchResult = z.object({
  bundle: z.array(
    z.object({ id: z.string(), result: z.unknown(), failed: z.string().optional(), moved: z.boolean().optional() }),
  ),
});

/** One of the jobs that travel together. */
export type MicroBatchJob = z.infer<typeof microBatch>["bundle"][number];

/**
 * How one of them ended: with its result, or without one. One that `moved` goes on as a BullMQ job of its own, of the same
 * id; a client that does not know the word takes it for failed, and asks the store what became of it.
 */
export type MicroBatchEnd = z.infer<typeof microBatchResult>["bundle"][number];

/**
 * Jobs of one name that were submitted at the same moment travel as one BullMQ job of that name: what BullMQ costs in Redis,
 * in the producer and in the worker is then paid once for all. Each keeps its id, its payload and its result.
 */
export interface MicroBatch {
  readonly bundle: readonly MicroBatchJob[];
}

/** How the jobs of a micro-batch ended, as its BullMQ job's result. */
export interface MicroBatchResult {
  readonly bundle: readonly MicroBatchEnd[];
}

/**
 * The jobs that travel in a BullMQ job's data, null when it carries none but itself.
 *
 * @throws {JobShapeError} when they are more than this version takes, or make no sense
 */
export function jobsOfMicroBatch(data: unknown): readonly MicroBatchJob[] | null {
  if (!isMicroBatch(data)) return null;
  const found = microBatch.safeParse(data);
  if (!found.success) throw new JobShapeError(`micro-batch does not fit: ${found.error.message}`);
  return found.data.bundle;
}

/** How the jobs of a micro-batch ended, null when the result is that of a single job. */
export function endsOfMicroBatch(result: unknown): readonly MicroBatchEnd[] | null {
  return isMicroBatch(result) ? microBatchResult.parse(result).bundle : null;
}

function isMicroBatch(value: unknown): boolean {
  return typeof value === "object" && value !== null && "bundle" in value;
}
