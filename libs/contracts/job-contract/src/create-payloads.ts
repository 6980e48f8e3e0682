import type { RequestedAttributes } from "@veil/keys";
import { z } from "zod";
import { keyName, requestedKey } from "./key-codec.ts";
import { actor, deadline, LARGEST_BATCH, requestId } from "./payload-fields.ts";

const BOTH_MISSING = "it says of no key what is asked of it";

const createKeyWire = z
  .object({
    /**
     * Optional for compatibility with jobs of 1.0 that are queued, or that an API of 1.0 still writes during a rolling
     * update: they have `name` alone. May be required from 1.2 on, which meets no service of 1.0.
     */
    key: requestedKey.optional(),
    /**
     * The part of `key` that 1.0 knows: written along for workers of 1.0, which read nothing else and drop `key`; read
     * only when `key` is missing. May go in 1.2.
     */
    name: keyName.optional(),
    deadline,
    request_id: requestId,
    actor,
  })
  .refine(({ key, name }) => key !== undefined || name !== undefined, BOTH_MISSING);

/** The payload of "create-key", written in today's form and in that of 1.0, and read from either. */
export const createKeyPayload = z.codec(
  createKeyWire,
  z.object({ key: z.custom<RequestedAttributes>(), deadline, request_id: requestId, actor }),
  {
    decode: ({ key, name = null, ...rest }) => ({ ...rest, key: key ?? { name, owner: null, terms: {} } }),
    encode: ({ key, ...rest }) => ({ ...rest, key, name: key.name }),
  },
);

const createKeysWire = z
  .object({
    /** Optional for compatibility with jobs of 1.0, as `key` of "create-key" is; may be required from 1.2 on. */
    keys: z.array(requestedKey).min(1).max(LARGEST_BATCH).optional(),
    /** The part of `keys` that 1.0 knows, in the same order, for workers of 1.0. May go in 1.2. */
    names: z.array(keyName).min(1).max(LARGEST_BATCH).optional(),
    /** Whether its API reads a result in the packed form; missing in jobs of 1.0, whose API reads the other one alone. */
    takes_packed: z.boolean().optional(),
    deadline,
    request_id: requestId,
    actor,
  })
  .refine(({ keys, names }) => keys !== undefined || names !== undefined, BOTH_MISSING);

/** The payload of "create-keys", written in today's form and in that of 1.0, and read from either. */
export const createKeysPayload = z.codec(
  createKeysWire,
  z.object({
    keys: z.array(z.custom<RequestedAttributes>()).min(1),
    deadline,
    request_id: requestId,
    actor,
    /** Left out by whoever submits the job: it takes a packed result. */
    takesPacked: z.boolean().optional(),
  }),
  {
    decode: ({ keys, names = [], takes_packed: takesPacked = false, ...rest }) => ({
      ...rest,
      keys: keys ?? names.map((name) => ({ name, owner: null, terms: {} })),
      takesPacked,
    }),
    encode: ({ keys, takesPacked = true, ...rest }) => ({
      ...rest,
      keys,
      names: keys.map(({ name }) => name),
      takes_packed: takesPacked,
    }),
  },
);
