import type { KeyFacts, RequestedAttributes } from "@veil/keys";
import { z } from "zod";

/** Longest name of a key, in UTF-16 code units, as the HTTP contract limits it. */
const LONGEST_NAME = 512;

export const keyName = z.string().max(LONGEST_NAME).nullable();

/** What is asked of a key that is to be created. */
export const requestedKey = z.object({ name: keyName }) satisfies z.ZodType<RequestedAttributes>;

const wireKey = z.object({
  key_id: z.number().int().positive(),
  uuid: z.uuid(),
  name: keyName,
  /** Unix seconds. */
  created_at: z.number().int(),
});

/**
 * A key in a job's result: snake_case in Redis, the domain's attributes on both sides of it. A field that only a newer
 * worker knows is dropped; one that only a newer API knows must be optional in Redis, for results of older workers.
 */
export const keyCodec = z.codec(wireKey, z.custom<KeyFacts>(), {
  decode: ({ key_id, uuid, name, created_at }) => ({ keyId: key_id, uuid, name, createdAt: created_at }),
  encode: ({ keyId, uuid, name, createdAt }) => ({ key_id: keyId, uuid, name, created_at: createdAt }),
});
