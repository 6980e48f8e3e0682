import { isReservedName } from "@veil/events";
import { networkOf, type Scope, scopes } from "@veil/tokens";
import { z } from "zod";
import { namedSchemas } from "./named-schemas.ts";
import { idPageQuery } from "./queries.ts";
import { moment } from "./terms-bodies.ts";
import { line, requiredLine } from "./text-line.ts";

const LONGEST_NAME = 64;
const LONGEST_OWNER = 64;
const MOST_ADDRESSES = 64;
const FASTEST_RATE = 100_000;

const scopesMessage = `scopes must be a list of one or more of ${scopes.join(", ")}`;
const rateMessage = `rate must be a whole number of requests per second from 1 to ${FASTEST_RATE}, or null`;
const addressesMessage = `addresses must be a list of 1 to ${MOST_ADDRESSES} IP addresses or CIDR ranges like 10.0.0.0/8, or null`;

const heldName = requiredLine("name", LONGEST_NAME, 1).meta({
  description: "Names the caller in the log and in events.",
  example: "shop",
});

const name = heldName
  .refine(
    (text) => !isReservedName(text),
    "name must not be system, unknown or secret-1, secret-2 and so on: events name others so",
  )
  .meta({
    ...heldName.meta(),
    description:
      "Names the caller in the log and in events. No two tokens of one owner have the same, and none has the name of a secret " +
      "of the server's settings, `system`, `unknown` or `secret-1`, `secret-2` and so on.",
  });

const heldScopes = z
  .array(z.enum(scopes, scopesMessage), scopesMessage)
  .min(1, scopesMessage)
  .transform((list): readonly Scope[] => scopes.filter((scope) => list.includes(scope)))
  .meta({
    description: "What the token may do; `*` is everything. No scope contains another one.",
    example: ["keys:read", "keys:write"],
  });

const fields = {
  scopes: heldScopes,
  owner: line("owner", LONGEST_OWNER, 1).meta({
    description:
      "Whose keys the token sees and changes: those that tokens of the same owner made, everything else is 404 to it; null for all keys.",
    example: null,
  }),
  rate: z
    .int(rateMessage)
    .min(1, rateMessage)
    .max(FASTEST_RATE, rateMessage)
    .nullable()
    .meta({ description: "Requests per second; null for the server's `RATE_LIMIT_PER_SECOND`.", example: 50 }),
  expires_at: moment("expires_at").meta({
    description: "From then on the token is not taken any more. Unix seconds; null or 0 for never.",
    example: 1767225600,
  }),
  addresses: z
    .array(
      z
        .string(addressesMessage)
        .refine((text) => networkOf(text) !== null, addressesMessage)
        .meta({ pattern: "^[0-9A-Fa-f.:]{2,45}(/[0-9]{1,3})?$" }),
      addressesMessage,
    )
    .min(1, addressesMessage)
    .max(MOST_ADDRESSES, addressesMessage)
    .nullable()
    .meta({ description: "From where the token is taken; null for everywhere.", example: ["203.0.113.0/24"] }),
};

/** A token as every endpoint shows it. */
export const tokenSchema = z
  .strictObject({
    id: z.string().meta({ description: "The token's first 12 characters behind `veil_`.", example: "3hT9sKq0Zr1b" }),
    name: heldName,
    ...fields,
    scopes: z.array(z.enum(scopes)).meta({ description: "What the token may do.", example: ["keys:read"] }),
    created_at: z.int().meta({ format: "int64", description: "Unix time in seconds.", example: 1703520000 }),
  })
  .register(namedSchemas, { id: "Token" });

export type TokenBody = z.infer<typeof tokenSchema>;

/** A token that was just made. */
export const newTokenSchema = tokenSchema
  .extend({
    token: z
      .string()
      .regex(/^veil_[0-9A-Za-z]{40}$/)
      .optional()
      .meta({
        description: "What goes behind `Bearer`. Shown once: a repeat of the request gets the answer without it.",
        example: "veil_3hT9sKq0Zr1bV7mXc4QbL9wE2eYh8DpA5uNfJ6Gt",
      }),
  })
  .register(namedSchemas, { id: "CreatedToken" });

export const tokenListSchema = z
  .strictObject({ tokens: z.array(tokenSchema), total: z.int().min(0).meta({ example: 1 }) })
  .register(namedSchemas, { id: "TokenList" });

export type TokenListBody = z.infer<typeof tokenListSchema>;

const optionalFields = {
  owner: fields.owner.optional(),
  rate: fields.rate.optional(),
  expires_at: fields.expires_at.optional(),
  addresses: fields.addresses.optional(),
};

export const createTokenSchema = z
  .object({ name, scopes: heldScopes, ...optionalFields }, "the body must be a JSON object")
  .register(namedSchemas, { id: "TokenToCreate" });

export type CreateTokenBody = z.infer<typeof createTokenSchema>;

export const updateTokenSchema = z
  .object({ name: name.optional(), scopes: heldScopes.optional(), ...optionalFields }, "the body must be a JSON object")
  .register(namedSchemas, { id: "TokenToUpdate" });

export type UpdateTokenBody = z.infer<typeof updateTokenSchema>;

/** Selects a page of the tokens. */
export const tokenPageQuerySchema = idPageQuery("token");

export const tokenPathSchema = z.object({
  id: z.string().meta({ description: "The token's `id`.", example: "3hT9sKq0Zr1b" }),
});

export const tokenDeletedSchema = z
  .strictObject({ success: z.literal(true), message: z.string().meta({ example: "Token shop deleted successfully" }) })
  .register(namedSchemas, { id: "TokenDeleted" });

export type TokenDeletedBody = z.infer<typeof tokenDeletedSchema>;
