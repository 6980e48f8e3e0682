import type { EventType } from "./event-types.ts";

/** The author of a change. */
export interface Actor {
  /** The name of the token or secret, {@link SYSTEM} for what happens by itself. */
  readonly name: string;
  /** Where the request came from; null where there was none, or nobody noted it. */
  readonly address: string | null;
  /** The request's id, null where there was none. */
  readonly requestId: string | null;
}

/** How events name the callers that have no name of their own. @param position counted from 1 */
export function numberedSecret(position: number): string {
  return `secret-${position}`;
}

/** Whether events name others so, or a reader would take it for that: no caller can choose it as its name. */
export function isReservedName(name: string): boolean {
  return /^(?:system|unknown|secret-\d+)$/i.test(name.trim());
}

/** The actor of everything that comes due by itself or is noticed. */
export const SYSTEM: Actor = { name: "system", address: null, requestId: null };

/** Of a change that a service of an older version passed on without saying whose it is. */
export function unnamedActor(requestId: string | null): Actor {
  return { name: "unknown", address: null, requestId };
}

/** An event as it is to be logged. */
export interface VeilEvent {
  /** Unique for good, and the same however often it is read from where it was born. */
  readonly id: string;
  readonly type: EventType;
  /** When it happened. Unix seconds. */
  readonly at: number;
  readonly actor: Actor;
  /** The entity it was born in, such as `key:12`. */
  readonly subject: string;
  /** The key that it concerns; null where it concerns none. */
  readonly keyId: number | null;
  /** Whose tokens may read it, beside those without an owner; null for nobody else's. */
  readonly owner: string | null;
  /** The data that callers are shown, as JSON. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** An event in the log. */
export interface LoggedEvent extends VeilEvent {
  /** Counts from 1, without gaps: whoever has seen one never finds a smaller one that was not there. */
  readonly seq: number;
}
