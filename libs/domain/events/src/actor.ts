/** Who changed something. */
export interface Actor {
  /** The name of the token or secret, {@link SYSTEM} for what happens by itself. */
  readonly name: string;
  /** Where the request came from; null where there was none, or nobody noted it. */
  readonly address: string | null;
  /** The request's id, null where there was none. */
  readonly requestId: string | null;
}

/** What comes due by itself, and what is noticed. */
export const SYSTEM: Actor = { name: "system", address: null, requestId: null };

/** Of a change that a service of an older version passed on without saying whose it is. */
export function unnamedActor(requestId: string | null): Actor {
  return { name: "unknown", address: null, requestId };
}
