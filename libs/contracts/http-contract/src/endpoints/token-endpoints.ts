import { MOST_TOKENS, MOST_TOKENS_OF_OWNER } from "@veil/tokens";
import type { Endpoint, ErrorCase } from "../endpoint.ts";
import { guarded, ofWrite, pagesOf, storeAway } from "../error-cases.ts";
import { messages } from "../messages.ts";
import {
  createTokenSchema,
  newTokenSchema,
  tokenDeletedSchema,
  tokenListSchema,
  tokenPageQuerySchema,
  tokenPathSchema,
  tokenSchema,
  updateTokenSchema,
} from "../token-bodies.ts";

const exampleToken = {
  id: "3hT9sKq0Zr1b",
  name: "shop",
  scopes: ["keys:read", "keys:write"],
  owner: null,
  rate: 50,
  expires_at: 1767225600,
  addresses: ["203.0.113.0/24"],
  created_at: 1703520000,
} as const;

const nameTaken: ErrorCase = {
  status: 409,
  name: "name",
  description: "Another token has the `name`.",
  detail: messages.tokenNameTaken("shop"),
};

const tooMany: ErrorCase = {
  status: 409,
  name: "too-many",
  description: `There are ${MOST_TOKENS} tokens already, or ${MOST_TOKENS_OF_OWNER} of the \`owner\`; those that have expired count.`,
  detail: `there are ${MOST_TOKENS} tokens already: delete one first`,
};

const badField: ErrorCase = {
  status: 400,
  name: "field",
  description: "A field is missing, has a wrong type or an impossible value.",
  detail: "addresses must be a list of 1 to 64 IP addresses or CIDR ranges like 10.0.0.0/8, or null",
};

const beyond: ErrorCase = {
  status: 403,
  name: "beyond",
  description: "The token would have, or has, rights that the caller lacks.",
  detail: messages.rightsBeyond("the scope keys:write"),
};

const notFound: ErrorCase = {
  status: 404,
  name: "token-not-found",
  description: "There is no such token.",
  detail: messages.tokenNotFound("000000000000"),
};

const ONLY_WHAT_IT_HAS = "A token gives others only scopes, owner and addresses that it has itself.";
const HOW_SOON = "Every replica knows of it within 2 seconds.";

export const tokenEndpoints = {
  createToken: {
    method: "post",
    path: "/api/tokens",
    tag: "Tokens",
    summary: "Create a token",
    description:
      `${ONLY_WHAT_IT_HAS} What is left out of \`owner\` and \`addresses\` is as the caller's own. The answer alone has ` +
      "the `token`; what is stored is a hash of it. `Prefer: respond-async` is ignored.",
    auth: "bearer",
    scope: "tokens:write",
    body: {
      required: true,
      schema: createTokenSchema,
      description: "The token.",
      examples: {
        dashboard: { summary: "For a dashboard", value: { name: "grafana", scopes: ["keys:read", "traffic:read"] } },
        shop: {
          summary: "For a shop's server, until a day",
          value: {
            name: "shop",
            scopes: ["keys:read", "keys:write"],
            addresses: ["203.0.113.0/24"],
            expires_at: 1767225600,
          },
        },
        bot: {
          summary: "For one of several bots, each with keys of its own",
          value: { name: "bot", owner: "second bot", scopes: ["keys:read", "keys:write", "traffic:read"] },
        },
      },
    },
    success: {
      description: "The new token.",
      contentType: "application/json",
      schema: newTokenSchema,
      example: { ...exampleToken, token: "veil_3hT9sKq0Zr1bV7mXc4QbL9wE2eYh8DpA5uNfJ6Gt" },
    },
    errors: ofWrite("create token", [badField, beyond, nameTaken, tooMany]),
  },
  listTokens: {
    method: "get",
    path: "/api/tokens",
    tag: "Tokens",
    summary: "List all tokens",
    description:
      "The oldest first; with `limit` or `after` one page of them, by id. A token with an owner sees those of the same owner. Secrets of the server's settings are not among them.",
    auth: "bearer",
    scope: "tokens:read",
    query: tokenPageQuerySchema,
    success: {
      description: "The tokens and their number.",
      contentType: "application/json",
      schema: tokenListSchema,
      example: { tokens: [exampleToken], total: 1 },
    },
    errors: [...guarded, ...pagesOf(tokenPageQuerySchema), storeAway],
  },
  updateToken: {
    method: "patch",
    path: "/api/tokens/{id}",
    tag: "Tokens",
    summary: "Change a token",
    description: `A JSON merge patch (RFC 7396): what is left out stays. The token's text stays as well. ${ONLY_WHAT_IT_HAS} ${HOW_SOON}`,
    auth: "bearer",
    scope: "tokens:write",
    params: tokenPathSchema,
    body: {
      schema: updateTokenSchema,
      description: "What is to be different.",
      examples: { slower: { summary: "Fewer requests, for longer", value: { rate: 10, expires_at: null } } },
    },
    success: {
      description: "The token as it is now.",
      contentType: "application/json",
      schema: tokenSchema,
      example: { ...exampleToken, rate: 10, expires_at: null },
    },
    errors: ofWrite("change token", [badField, beyond, notFound, nameTaken]),
  },
  deleteToken: {
    method: "delete",
    path: "/api/tokens/{id}",
    tag: "Tokens",
    summary: "Delete a token",
    description: `It is not taken any more. ${HOW_SOON} Only who could have made it may delete it.`,
    auth: "bearer",
    scope: "tokens:write",
    params: tokenPathSchema,
    success: {
      description: "The token is deleted.",
      contentType: "application/json",
      schema: tokenDeletedSchema,
      example: { success: true, message: messages.tokenDeleted("shop") },
    },
    errors: ofWrite("delete token", [beyond, notFound]),
  },
} as const satisfies Record<string, Endpoint>;
