import type { RememberedJobs } from "@veil/idempotency";

/** The scopes that an endpoint may ask of its caller; `*` is all of them. */
export const scopes = [
  "keys:read",
  "keys:write",
  "traffic:read",
  "nodes:read",
  "nodes:write",
  "webhooks:read",
  "webhooks:write",
  "events:read",
  "tokens:read",
  "tokens:write",
  "*",
] as const;

export type Scope = (typeof scopes)[number];

/** The scopes of a caller that may only read. */
export const READ_SCOPES: readonly Scope[] = scopes.filter((scope) => scope.endsWith(":read"));

/** Whether a text names a scope. */
export function isScope(text: string): text is Scope {
  return scopes.some((scope) => scope === text);
}

/** Whether a caller with these scopes has that one. No scope contains another, but for `*`. */
export function grants(held: readonly Scope[], scope: Scope): boolean {
  return held.includes("*") || held.includes(scope);
}

/** The rights of a token, and the addresses it may be used from. */
export interface TokenRights {
  readonly scopes: readonly Scope[];
  /** Whose keys it sees and changes; null for everybody's. */
  readonly owner: string | null;
  /** Addresses and CIDR ranges from which it is taken; null for all. */
  readonly addresses: readonly string[] | null;
}

/** A token as it is stored. Its text is not: whoever lost it makes another one. */
export interface ApiToken extends TokenRights, RememberedJobs {
  /** A part of the token's text, so that it is found by it. */
  readonly id: string;
  /** SHA-256 of the token's text, in hexadecimal digits. */
  readonly hash: string;
  /** No two tokens of one owner have the same, nor two without an owner. */
  readonly name: string;
  /** Requests per second; null for what the installation allows everybody. */
  readonly rate: number | null;
  /** Unix seconds from which on it is not taken any more; null for never. */
  readonly expiresAt: number | null;
  /** Unix seconds. */
  readonly createdAt: number;
  /** Goes up with every change. */
  readonly revision: number;
}

/** Most tokens, those that have expired and those of all owners among them. */
export const MOST_TOKENS = 1_000;
/** Most tokens of one owner: it keeps no other one from having some. */
export const MOST_TOKENS_OF_OWNER = 100;

/** The changeable fields of a token; missing ones stay. */
export type TokenChange = Partial<Pick<ApiToken, "name" | "scopes" | "owner" | "rate" | "expiresAt" | "addresses">>;
