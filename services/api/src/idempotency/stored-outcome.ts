import { promisify } from "node:util";
import { deflateRaw, inflateRawSync } from "node:zlib";
import { messages } from "@veil/http-contract";
import { z } from "zod";
import type { Outcome } from "../reply/reply.ts";

const compress = promisify(deflateRaw);

/** Longer ones are those of batches, which compression makes several times shorter. */
const LONGEST_PLAIN_REPLY = 4_096;

/**
 * Bytes of a compressed reply that are kept: as many as the largest body has, so that every batch of new keys fits. Only
 * what others wrote into keys, such as notes of many of them, makes an answer longer.
 */
const LONGEST_KEPT = 4 * 1_024 * 1_024;

const storedOutcome = z.object({
  status: z.number(),
  body: z.looseObject({}),
  headers: z.record(z.string(), z.string()).exactOptional(),
  unkept: z.number().exactOptional(),
});

/** An outcome as it stands in Redis. */
export interface StoredOutcome {
  readonly reply: string;
  /** Empty when all of it is in `reply`. */
  readonly packed: string;
}

/** The answer of replicas that know nothing of `packed`, during an update: the caller tries again, and meets another one. */
const TRY_AGAIN = JSON.stringify({
  kind: "json",
  status: 503,
  body: { detail: messages.idempotencyUnavailable },
  headers: { "Retry-After": "5" },
});

/** An outcome as it is stored. Replicas of version 1.0 read outcomes of the kind `json` alone. */
export async function storeOutcome(outcome: Outcome): Promise<StoredOutcome> {
  const reply = JSON.stringify({ kind: "json", ...outcome });
  if (reply.length <= LONGEST_PLAIN_REPLY) return { reply, packed: "" };
  const packed = await compress(reply);
  if (packed.length > LONGEST_KEPT) return storeOutcome(inPlaceOf(outcome));
  return { reply: TRY_AGAIN, packed: packed.toString("base64") };
}

/** What repeats are answered when the answer itself is too long to be kept for them. */
function inPlaceOf({ status }: Outcome): Outcome {
  return { status: 422, body: { detail: messages.answerNotKept(status) }, unkept: status };
}

/** An outcome as it was stored. @throws {z.ZodError} when it is none of ours */
export function readOutcome(reply: string, packed: string): Outcome {
  const text = packed === "" ? reply : inflateRawSync(Buffer.from(packed, "base64")).toString();
  return storedOutcome.parse(JSON.parse(text));
}
