import { z } from "zod";

/** Most items of one batch job. */
export const LARGEST_BATCH = 1_000;

export const requestId = z.string().max(128);

/**
 * The owner of the caller's token: the job is about that one's keys, and all others are not there for it. Null for callers who
 * see all keys; missing in jobs of services that know no owners, whose callers did.
 */
export const owner = z.string().max(256).nullable().default(null);

/**
 * The caller who asked for it; the request's id stands beside it. Missing in jobs of an API that does not know it yet,
 * and dropped by workers that don't.
 */
export const actor = z.object({ name: z.string(), address: z.string().nullable() }).optional();

/** Milliseconds since the epoch after which the job may no longer change anything. */
export const deadline = z.number().int();
