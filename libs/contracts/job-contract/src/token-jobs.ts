import { type ApiToken, scopes, type TokenChange } from "@veil/tokens";
import { z } from "zod";
import { notApplied } from "./not-applied.ts";
import { actor, deadline, requestId } from "./payload-fields.ts";

const attributes = {
  name: z.string().max(256),
  scopes: z.array(z.enum(scopes)),
  owner: z.string().max(256).nullable(),
  rate: z.number().int().positive().nullable(),
  /** Unix seconds. */
  expires_at: z.number().int().nullable(),
  addresses: z.array(z.string().max(64)).nullable(),
} as const;

/** A new token. Redis holds its hash only: neither a job nor a result holds what a caller could use. */
const madeWire = z.object({ id: z.string(), hash: z.string(), created_at: z.number().int(), ...attributes });
const storedWire = madeWire.extend({ revision: z.number().int(), jobs: z.array(z.string()) });

type MadeToken = Omit<ApiToken, "revision" | "jobs" | "jobsAt">;

function attributesOf(wire: Readonly<z.output<typeof madeWire>>): MadeToken {
  const { expires_at: expiresAt, created_at: createdAt, ...rest } = wire;
  return { ...rest, expiresAt, createdAt };
}

function wireOf({ id, hash, name, scopes: held, owner, rate, addresses, expiresAt, createdAt }: MadeToken) {
  return {
    id,
    hash,
    name,
    scopes: [...held],
    owner,
    rate,
    addresses: addresses === null ? null : [...addresses],
    expires_at: expiresAt,
    created_at: createdAt,
  };
}

const madeToken = z.codec(madeWire, z.custom<MadeToken>(), { decode: attributesOf, encode: wireOf });

const storedToken = z.codec(storedWire, z.custom<ApiToken>(), {
  decode: ({ revision, jobs, ...made }) => ({ ...attributesOf(made), revision, jobs }),
  encode: (token) => ({ ...wireOf(token), revision: token.revision, jobs: [...token.jobs] }),
});

const changeWire = z.object({
  name: attributes.name.exactOptional(),
  scopes: attributes.scopes.exactOptional(),
  owner: attributes.owner.exactOptional(),
  rate: attributes.rate.exactOptional(),
  expires_at: attributes.expires_at.exactOptional(),
  addresses: attributes.addresses.exactOptional(),
});

const tokenChange = z.codec(changeWire, z.custom<TokenChange>(), {
  decode: ({ expires_at: expiresAt, ...rest }) => ({ ...rest, ...(expiresAt !== undefined && { expiresAt }) }),
  encode: ({ expiresAt, scopes: held, addresses, ...rest }) => ({
    ...rest,
    ...(held !== undefined && { scopes: [...held] }),
    ...(addresses !== undefined && { addresses: addresses === null ? null : [...addresses] }),
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
  }),
});

/** The rights of the request's caller: it gives away no more. */
const rights = z.object({
  scopes: z.array(z.enum(scopes)).readonly(),
  owner: attributes.owner,
  addresses: z.array(z.string()).readonly().nullable(),
});

/** Another token has the name. */
const taken = z.object({ outcome: z.literal("taken"), detail: z.string() });
/** The giver lacks rights that the token has, or would get. */
const refused = z.object({ outcome: z.literal("refused"), beyond: z.string() });
const notFound = z.object({ outcome: z.literal("not-found") });
const ofRequest = { deadline, request_id: requestId, actor } as const;

/** The jobs that change API tokens. New in 1.1. */
export const tokenJobs = {
  "create-token": {
    queue: "veil-keys",
    payload: z.object({ token: madeToken, ...ofRequest }),
    result: z.discriminatedUnion("outcome", [
      z.object({ outcome: z.literal("created"), token: storedToken }),
      taken,
      ...notApplied,
    ]),
    attempts: 12,
  },
  "change-token": {
    queue: "veil-keys",
    payload: z.object({ token_id: z.string(), giver: rights, change: tokenChange, ...ofRequest }),
    result: z.discriminatedUnion("outcome", [
      z.object({ outcome: z.literal("changed"), token: storedToken }),
      notFound,
      refused,
      taken,
      ...notApplied,
    ]),
    attempts: 12,
  },
  "delete-token": {
    queue: "veil-keys",
    payload: z.object({ token_id: z.string(), giver: rights, ...ofRequest }),
    result: z.discriminatedUnion("outcome", [
      z.object({ outcome: z.literal("deleted") }),
      notFound,
      refused,
      ...notApplied,
    ]),
    attempts: 12,
  },
} as const;
