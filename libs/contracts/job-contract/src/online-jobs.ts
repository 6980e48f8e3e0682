import { z } from "zod";
import { deadline, owner, requestId } from "./payload-fields.ts";

/**
 * Why a node tells nothing of who is online: it did not answer, its policy has no `statsUserOnline`, or it is an Xray that
 * keeps no addresses.
 */
const silences = ["unreachable", "uncounted", "unsupported"] as const;

const name = z.string();
const silent = z.object({ name, state: z.enum(silences) });
const ofRequest = { deadline, request_id: requestId } as const;
/** The caller does not wait any more. */
const stale = z.object({ outcome: z.literal("stale") });

/** The jobs that ask the nodes who is connected. New in 1.2. */
export const onlineJobs = {
  "read-online": {
    queue: "veil-traffic",
    payload: z.object({ key_id: z.number().int().nonnegative(), ...ofRequest }),
    result: z.discriminatedUnion("outcome", [
      z.object({
        outcome: z.literal("read"),
        nodes: z.array(
          z.discriminatedUnion("state", [
            z.object({ name, state: z.literal("read"), addresses: z.array(z.string()) }),
            silent,
          ]),
        ),
      }),
      stale,
    ]),
    attempts: 1,
    travels: "in-micro-batches",
  },
  "count-online": {
    queue: "veil-traffic",
    /** Every node is asked; counted is what the caller sees. */
    payload: z.object({ owner, ...ofRequest }),
    result: z.discriminatedUnion("outcome", [
      z.object({
        outcome: z.literal("counted"),
        /** Keys that are online on some node, or of which bytes were counted of late. */
        online: z.number().int().nonnegative(),
        nodes: z.array(
          z.discriminatedUnion("state", [
            z.object({ name, state: z.literal("read"), online: z.number().int().nonnegative() }),
            silent,
          ]),
        ),
      }),
      stale,
    ]),
    attempts: 1,
  },
} as const;

/** See `silences`. */
export type OnlineSilence = (typeof silences)[number];
