import type { VlessFlow } from "@veil/protocols";
import type { KeyStep } from "./events/key-steps.ts";
import { isInService } from "./terms/key-status.ts";
import type { KeyTerms, SettableTerms } from "./terms/key-terms.ts";

/**
 * Phases of a key once it is decided; they only ever rise.
 *
 * Before them lies `creating`: a claimed {@link Creation} without a {@link KeyRecord}.
 * - `active`: wanted in every node of its groups, shown to callers
 * - `deleting`: unwanted, hidden from callers, perhaps still in some node
 * - `gone`: in no node; kept for a day so that a late duplicate of its create job finds it
 */
export const keyPhases = ["active", "deleting", "gone"] as const;
export type KeyPhase = (typeof keyPhases)[number];

/** A key as every node and link shows it. The uuid and the name can be changed; all else is fixed when the key is made. */
export interface KeyAttributes {
  readonly keyId: number;
  /** Lower-case v4. */
  readonly uuid: string;
  /** The flow of its account in every node and of its link, whatever the settings say later. */
  readonly flow: VlessFlow;
  readonly name: string | null;
  /** Unix seconds. */
  readonly createdAt: number;
  /** The owner whose tokens see it, beside those that see all keys; null for nobody. See `owners.ts`. */
  readonly owner: string | null;
}

/** A caller's request for a key that is to be made. */
export interface RequestedAttributes extends Pick<KeyAttributes, "name" | "owner"> {
  /** Terms that are left out are unlimited. */
  readonly terms: Partial<SettableTerms>;
}

/** A key as callers see it; its flow concerns nodes and links alone, and its owner is theirs. */
export interface KeyFacts extends Omit<KeyAttributes, "flow" | "owner"> {
  /** The secret of its subscription: see `subscription-token.ts`. */
  readonly token: string;
  readonly terms: KeyTerms;
}

/** A create job's claim: from here on, every delivery of the job works on the same key. */
export interface Creation extends KeyAttributes {
  /** Id of the create job. */
  readonly job: string;
  /** Milliseconds since the epoch; afterwards the key may no longer become active. */
  readonly deadline: number;
  /**
   * Of the nodes that may hold the key's user before it is decided; none where it begins out of service. Left out by versions that
   * knew no groups, for which every node was the key's.
   */
  readonly groups?: readonly string[];
}

/** A decided key. That this record exists is the decision: it is inserted once, as `active` or as refused. */
export interface KeyRecord extends KeyAttributes {
  /** Whether the uuid is not the one that it was made with: nodes may hold it with an earlier one. Left out where it is. */
  readonly isRevoked?: boolean;
  /** Id of the create job. */
  readonly job: string;
  readonly phase: KeyPhase;
  /** True when the key was decided as active: its creator received, or may have received, the key. */
  readonly activated: boolean;
  /** True when the creator received the answer that there is no key. */
  readonly cancelled: boolean;
  /** Id of the delete job that deletes it, null while none does. */
  readonly deleter: string | null;
  /** Nodes on which an operation that nobody waits for any more may still come through. */
  readonly indeterminate: readonly string[];
  readonly token: string;
  readonly terms: KeyTerms;
  /** Ids of the jobs whose changes the key has, the newest last; only the last few. */
  readonly changedBy: readonly string[];
  /** When each of these jobs changed it, in unix seconds; null where a version before did not note it. */
  readonly changedAt: readonly (number | null)[];
  /** Steps of which some event is not logged yet: every new version carries them on. The oldest first. */
  readonly outbox: readonly KeyStep[];
}

/** Whether the nodes of its groups should hold the key's user: which ones, says `isWantedOn`. @param now milliseconds since the epoch */
export function isWanted({ phase, terms }: Pick<KeyRecord, "phase" | "terms">, now: number): boolean {
  return phase === "active" && isInService(terms, now);
}

/** Whether callers may see the key: list, read, link, meter and delete it. */
export function isVisible({ phase }: Pick<KeyRecord, "phase">): boolean {
  return phase === "active";
}

/** Whether no node holds the key's user any more, for good. */
export function isGone({ phase }: Pick<KeyRecord, "phase">): boolean {
  return phase === "gone";
}

/** Whether the creator of this key rightly received it, whatever became of it since. */
export function wasCreated(key: KeyRecord): boolean {
  return key.activated && !key.cancelled;
}
