import type { TokenEvent, TokenStamp } from "./token-events.ts";
import type { ApiToken } from "./api-token.ts";

/** Tokens as they are read. Every method throws StoreUnavailableError while the store is unavailable. */
export interface TokenReader {
  /** Null when there is none of this id. */
  find(id: string): Promise<ApiToken | null>;
  /** All, the oldest first. There are few. */
  list(): Promise<ApiToken[]>;
}

/** Tokens as they are changed. A write of which no answer came may have happened. */
export interface TokenStore extends TokenReader {
  /** With a stamp it is reported. `present` when there is one of this id, `taken` when another one of its owner has the name. */
  insert(token: ApiToken, stamp?: TokenStamp): Promise<"inserted" | "present" | "taken">;
  /** Replaces the token as long as it has the revision; `outdated` when it has another one, or is gone. */
  replace(token: ApiToken, revision: number): Promise<"replaced" | "outdated" | "taken">;
  /** Whether there was one. With a stamp its end is reported. */
  remove(id: string, stamp?: TokenStamp): Promise<boolean>;
}

/** Events of tokens where they were born. Every method throws StoreUnavailableError while the store is unavailable. */
export interface TokenOutbox {
  /** Those of these tokens, in their order. */
  pending(ids: readonly string[]): Promise<TokenEvent[]>;
  /** Marks events as logged; of a token that was deleted nothing stays then. */
  mark(events: readonly Pick<TokenEvent, "id">[]): Promise<void>;
  /** Ids of all tokens of which some event is not marked. */
  unlogged(): Promise<string[]>;
}
