import type { Actor, EventType } from "@veil/events";
import type { ApiToken } from "./api-token.ts";

/** The maker or deleter of a token, and the moment. */
export interface TokenStamp {
  readonly actor: Actor;
  /** Unix seconds. */
  readonly at: number;
}

/** An event of a token that is not in the log yet. */
export interface TokenEvent extends TokenStamp {
  readonly id: string;
  readonly type: Extract<EventType, "token.created" | "token.deleted">;
  /** As it was last. */
  readonly token: Pick<ApiToken, "id" | "name" | "scopes" | "owner" | "addresses" | "rate" | "expiresAt" | "createdAt">;
}

const PREFIX = "token:";

/** Names a token where events are looked for. */
export function tokenSubject(id: string): string {
  return `${PREFIX}${id}`;
}

/** Null for the subject of something else. */
export function tokenIdOfSubject(subject: string): string | null {
  return subject.startsWith(PREFIX) ? subject.slice(PREFIX.length) : null;
}

/** The id of an event of a token: it is made once, and deleted once. */
export function tokenEventId(id: string, type: TokenEvent["type"]): string {
  return `${type}-${id}`;
}
