import { z } from "zod";
import { notApplied } from "./not-applied.ts";

const changed = z.object({ outcome: z.literal("changed") });
export const notFound = z.object({ outcome: z.literal("not-found") });
/** Something else has what it is to have, or is in its way. */
const taken = z.object({ outcome: z.literal("taken"), detail: z.string() });
const refused = z.object({ outcome: z.literal("refused"), detail: z.string() });

/** The result of a job that changes a node or a host. */
export const fleetChangeResult = z.discriminatedUnion("outcome", [changed, notFound, taken, refused, ...notApplied]);
