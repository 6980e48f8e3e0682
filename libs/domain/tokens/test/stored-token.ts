import { randomBytes } from "node:crypto";
import { type ApiToken, newToken, TOKEN_SEED_BYTES } from "../src/index.ts";

/** A token of which nothing matters but what a test says. */
export function storedToken(attributes: Partial<ApiToken> = {}): ApiToken & { readonly text: string } {
  const { token: text, id, hash } = newToken(randomBytes(TOKEN_SEED_BYTES));
  return {
    text,
    id,
    hash,
    name: `token-${id}`,
    scopes: ["*"],
    owner: null,
    addresses: null,
    rate: null,
    expiresAt: null,
    createdAt: 1_703_520_000,
    revision: 1,
    jobs: [],
    ...attributes,
  };
}
