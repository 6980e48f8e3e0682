import { z } from "zod";

export const notApplied = [
  /** A dependency is unavailable; the same request may succeed later. */
  z.object({ outcome: z.literal("unavailable"), detail: z.string() }),
  /** Retrying the same request does not help. */
  z.object({ outcome: z.literal("failed"), detail: z.string() }),
] as const;

/** The request contradicts what is there, and says so: nothing was done. */
export const contradicted = [
  /** Another key has the external id. */
  z.object({ outcome: z.literal("taken"), detail: z.string() }),
  /** It makes no sense for the key as it is. */
  z.object({ outcome: z.literal("refused"), detail: z.string() }),
] as const;

/** The result of a write that was not done. */
export type NotApplied = z.infer<(typeof notApplied)[number]>;

/** The result of a job that came too late to change anything, and of one from which none came while nothing shows that it was done. */
export const TOO_LATE = { outcome: "failed", detail: "timed out" } as const satisfies NotApplied;

interface TooLate {
  readonly outcome: "too-late";
}

/** The result of a job of which the domain says no more than that it came too late. */
export async function orTooLate<Result extends { readonly outcome: string }>(
  asked: Promise<Result | TooLate>,
): Promise<Result | typeof TOO_LATE> {
  const result = await asked;
  return isTooLate(result) ? TOO_LATE : result;
}

function isTooLate(result: { readonly outcome: string }): result is TooLate {
  return result.outcome === "too-late";
}

const changed = z.object({ outcome: z.literal("changed") });
export const notFound = z.object({ outcome: z.literal("not-found") });
/** Something else has what it is to have, or is in its way. */
const taken = z.object({ outcome: z.literal("taken"), detail: z.string() });
const refused = z.object({ outcome: z.literal("refused"), detail: z.string() });

/** The result of a job that changes a node or a host. */
export const fleetChangeResult = z.discriminatedUnion("outcome", [changed, notFound, taken, refused, ...notApplied]);
