import { firstTerms, type KeyFacts, olderSubscriptionToken, type RequestedAttributes } from "@veil/keys";
import { z } from "zod";
import { owner } from "./payload-fields.ts";
import { chosenTerms, termsCodec } from "./terms-codec.ts";

/** Longest name of a key, in UTF-16 code units, as the HTTP contract limits it. */
const LONGEST_NAME = 512;

export const keyName = z.string().max(LONGEST_NAME).nullable();

/**
 * The requested attributes of a key that is to be created. `terms` is missing in jobs of 1.0 that are queued, or that
 * an API of 1.0 still writes during a rolling update: may be required from 1.2 on. So is `owner`, of nobody's keys as
 * well.
 */
export const requestedKey = z.codec(
  z.object({ name: keyName, owner, terms: chosenTerms.exactOptional() }),
  z.custom<RequestedAttributes>(),
  {
    decode: ({ name, owner: whose, terms = {} }) => ({ name, owner: whose, terms }),
    encode: ({ name, owner: whose, terms }) => ({ name, owner: whose, terms }),
  },
);

const wireKey = z.object({
  key_id: z.number().int().positive(),
  uuid: z.uuid(),
  name: keyName,
  /** Unix seconds. */
  created_at: z.number().int(),
  /** Missing in results of workers of 1.0, as `terms` is. */
  token: z.string().exactOptional(),
  terms: termsCodec.exactOptional(),
});

/**
 * A key in a job's result: snake_case in Redis, the domain's attributes on both sides of it. A field that only a newer
 * worker knows is dropped; one that only a newer API knows must be optional in Redis, for results of older workers.
 */
export const keyCodec = z.codec(wireKey, z.custom<KeyFacts>(), {
  decode: ({ key_id, uuid, name, created_at, token, terms }) => ({
    keyId: key_id,
    uuid,
    name,
    createdAt: created_at,
    token: token ?? olderSubscriptionToken(key_id, uuid),
    terms: terms ?? firstTerms({}, { createdAt: created_at, nextResetAt: null }),
  }),
  encode: ({ keyId, uuid, name, createdAt, token, terms }) => ({
    key_id: keyId,
    uuid,
    name,
    created_at: createdAt,
    token,
    terms,
  }),
});
