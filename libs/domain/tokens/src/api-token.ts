import type { Scope } from "./scopes.ts";

/** The rights of a token, and the addresses it may be used from. */
export interface TokenRights {
  readonly scopes: readonly Scope[];
  /** Whose keys it sees and changes; null for everybody's. */
  readonly owner: string | null;
  /** Addresses and CIDR ranges from which it is taken; null for all. */
  readonly addresses: readonly string[] | null;
}

/** A token as it is stored. Its text is not: whoever lost it makes another one. */
export interface ApiToken extends TokenRights {
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
  /** Ids of the jobs that made it and changed it last, so that a job that is delivered again finds what it did. */
  readonly jobs: readonly string[];
}

/** The changeable fields of a token; missing ones stay. */
export type TokenChange = Partial<Pick<ApiToken, "name" | "scopes" | "owner" | "rate" | "expiresAt" | "addresses">>;
