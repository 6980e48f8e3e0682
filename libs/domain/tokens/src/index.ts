/** Scopes, API tokens, and the rules by which one token gives rights to another. Pure: no I/O. */
export {
  type ApiToken,
  grants,
  isScope,
  MOST_TOKENS,
  MOST_TOKENS_OF_OWNER,
  READ_SCOPES,
  type Scope,
  scopes,
  type TokenChange,
  type TokenRights,
} from "./api-token.ts";
export { type ChangeTokenResult, changeToken, createToken, deleteToken, type TokenPorts } from "./change-tokens.ts";
export { networkOf, rightsBeyond } from "./rights.ts";
export type { TokenOutbox, TokenReader, TokenStore } from "./ports.ts";
export {
  type TokenEvent,
  tokenEventId,
  tokenIdOfSubject,
  type TokenStamp,
  tokenSubject,
} from "./token-events.ts";
export { isTokenOf, newToken, TOKEN_SEED_BYTES, tokenIdOf } from "./token-text.ts";
