import type { EventType } from "./event-types.ts";
import type { LoggedEvent, VeilEvent } from "./event.ts";

/** Selects events. An event has to fit all that is named. */
export interface EventQuery {
  /** Only those that came later; 0 for all that are kept. */
  readonly after: number;
  readonly limit: number;
  readonly type?: EventType;
  /** Name of the actor. */
  readonly actor?: string;
  readonly keyId?: number;
  readonly owner?: string;
}

/** The log as it is read. Every method throws StoreUnavailableError while the store is away. */
export interface EventReader {
  /** In ascending order of `seq`. */
  read(query: EventQuery): Promise<LoggedEvent[]>;
}

/**
 * The log as it is written. Every method throws StoreUnavailableError while the store is away; what was written may be there
 * then.
 */
export interface EventLog extends EventReader {
  /**
   * Adds events behind the last one that the caller knows of, in their order.
   *
   * @param after the `seq` of that one; 0 for none
   * @returns `outrun` when others have added some meanwhile; a part may be there then: the tail says which
   */
  append(after: number, events: readonly VeilEvent[]): Promise<"appended" | "outrun">;
  /** The entries behind an event, in ascending order, whatever a newer version has written there. */
  tail(after: number, limit: number): Promise<readonly TailEntry[]>;
  /** The `seq` up to which all events are marked where they were born. */
  checkpoint(): Promise<number>;
  /** Raises it; a smaller one changes nothing. */
  raiseCheckpoint(seq: number): Promise<void>;
  /**
   * Forgets events that were logged before a moment, but never the last one. One dated ahead, by a clock that was, is as old as
   * those behind it.
   *
   * @param before unix seconds @param now unix seconds
   * @returns how many
   */
  drop(before: number, now: number): Promise<number>;
}

/** As much of a logged event as concerns whoever adds others. */
export interface TailEntry extends Pick<LoggedEvent, "seq" | "id" | "subject"> {
  /** Perhaps one that only a newer version knows. */
  readonly type: string;
}

/** Where events are born: each with the change that it tells of, in one write. */
export interface Outbox {
  /** The events of these subjects that are not marked, those of each subject in their order. */
  pending(subjects: readonly string[]): Promise<VeilEvent[]>;
  /** Marks events as logged. Those that are marked, or not there any more, change nothing. */
  mark(events: readonly Pick<VeilEvent, "id" | "subject">[]): Promise<void>;
  /** All subjects that may have events: a look at everything, for when hints were lost. */
  subjects(): AsyncIterable<readonly string[]>;
}

/** In which subjects events may have been born: a hint that may be lost, since {@link Outbox.subjects} finds all. */
export interface EventHints {
  /** To be called before the write with which events are born, each in one of the subjects. Never throws. */
  expect(...subjects: readonly string[]): Promise<Hint>;
}

/** One expected write. */
export interface Hint {
  /** To be called once the write is acknowledged, so that nobody waits for it any longer. Never throws. */
  readonly ready: () => void;
}
