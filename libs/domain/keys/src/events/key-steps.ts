import type { Actor, EventType } from "@veil/events";
import type { KeyTerms } from "../terms/key-terms.ts";

/**
 * One step of a key's history, kept in its document by the write with which it was made until its events are logged. A version
 * of the key may consist of two: of what was due by itself, and of what a caller changed.
 */
export interface KeyStep {
  /** Unix seconds. */
  readonly at: number;
  readonly actor: Actor;
  readonly was: KeyWas;
  readonly events: readonly StepEvent[];
}

/** The fields of a key that a step changed, as they were before it. */
export interface KeyWas {
  readonly name?: string | null;
  readonly terms: Partial<KeyTerms>;
}

/** One event of a step. */
export interface StepEvent {
  /** Unique among all events for good. */
  readonly id: string;
  readonly type: EventType;
  /** The event's fields beside the key, as JSON. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The actor of a step, and its moment. */
export interface StepStamp {
  readonly actor: Actor;
  /** Unix seconds. */
  readonly at: number;
}

/** A step before it is known in which version of the key it stands. */
export type UnnamedStep = Omit<KeyStep, "events"> & { readonly events: readonly Omit<StepEvent, "id">[] };

/** Where a version stands among those of its key. */
export interface VersionPlace {
  readonly keyId: number;
  readonly revision: number;
  readonly fence: number;
}

/** The steps with which a key becomes a version, in their order. Steps without events are left out. */
export function namedSteps(steps: readonly UnnamedStep[], { keyId, revision, fence }: VersionPlace): KeyStep[] {
  let count = 0;
  const named = (event: Omit<StepEvent, "id">): StepEvent => {
    count += 1;
    return { id: `${keyId}-${revision}-${fence.toString(36)}-${count}`, ...event };
  };
  return steps.filter(({ events }) => events.length > 0).map((step) => ({ ...step, events: step.events.map(named) }));
}

/** With which a key begins. */
export function firstSteps(keyId: number, { actor, at }: StepStamp): KeyStep[] {
  const created: UnnamedStep = { at, actor, was: { terms: {} }, events: [{ type: "key.created" }] };
  return namedSteps([created], { keyId, revision: 1, fence: 0 });
}

/** The one event that tells of a key's end. */
export function deletionEventId(keyId: number): string {
  return `${keyId}-deleted`;
}
