import { type ApiToken, isScope } from "@veil/tokens";
import { z } from "zod";
import { rememberedJobs, toRememberedJobs, toStoredJobs } from "./remembered-jobs-codec.ts";
import { stampDocument } from "./step-documents.ts";

/** An API token. `_id` is its id. Fields that only newer versions know stay as they are. */
export const tokenDocument = z.object({
  _id: z.string(),
  /** SHA-256 of the token, hexadecimal. */
  hash: z.string(),
  name: z.string(),
  /** One that only a newer version knows gives nothing here. */
  scopes: z.array(z.string()),
  owner: z.string().nullable().default(null),
  addresses: z.array(z.string()).nullable().default(null),
  rate: z.number().nullable().default(null),
  /** Unix seconds, as `created_at`. */
  expires_at: z.number().nullable().default(null),
  created_at: z.number(),
  revision: z.number(),
  ...rememberedJobs,
  /** The actor who made it, until that is in the log. */
  made: stampDocument.exactOptional(),
  /** The actor who deleted it, and its name of then: only its event is left. */
  removed: stampDocument.extend({ name: z.string(), expires_at: z.number().nullable() }).exactOptional(),
});
export type TokenDocument = Readonly<z.infer<typeof tokenDocument>>;

/** Stands in no owner and in no name: neither may hold control characters. */
const BETWEEN = "\u001f";

/** A name as it is stored and indexed: each owner has names of its own, so that none learns those of others. */
export function storedName({ name, owner }: Pick<ApiToken, "name" | "owner">): string {
  return owner === null ? name : `${owner}${BETWEEN}${name}`;
}

export function toToken(document: TokenDocument): ApiToken {
  return {
    id: document._id,
    hash: document.hash,
    name: document.name.slice(document.name.lastIndexOf(BETWEEN) + 1),
    scopes: document.scopes.filter(isScope),
    owner: document.owner,
    addresses: document.addresses,
    rate: document.rate,
    expiresAt: document.expires_at,
    createdAt: document.created_at,
    revision: document.revision,
    ...toRememberedJobs(document),
  };
}

export function toTokenDocument(token: ApiToken): TokenDocument {
  return {
    _id: token.id,
    hash: token.hash,
    name: storedName(token),
    scopes: [...token.scopes],
    owner: token.owner,
    addresses: token.addresses === null ? null : [...token.addresses],
    rate: token.rate,
    expires_at: token.expiresAt,
    created_at: token.createdAt,
    revision: token.revision,
    ...toStoredJobs(token),
  };
}
