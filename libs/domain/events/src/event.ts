import type { Actor } from "./actor.ts";
import type { EventType } from "./event-types.ts";

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
