import { z } from "zod";

/** Most items of one batch job. */
export const LARGEST_BATCH = 1_000;

export const requestId = z.string().max(128);

/** Milliseconds since the epoch after which the job may no longer change anything. */
export const deadline = z.number().int();
