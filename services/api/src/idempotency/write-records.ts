import type { Outcome } from "../reply/reply.ts";

/** A request that wants to take part in a write. */
export interface JoinRequest {
  /** Names this participant; fresh for every one. */
  readonly participant: string;
  /** Says which request this is: another one may not use the same id. */
  readonly fingerprint: string;
  /** The request itself, for participants that come without it; empty when none does. Dropped when the write is complete. */
  readonly request: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** How long a participant that leads may take before another one takes over, in milliseconds. */
  readonly leaseMs: number;
}

/** A participant's place in a write. Attempts count from 1; a new one begins only when surely nothing was done. */
export type Participation =
  /** The first of the attempt: no other request has begun it. */
  | { readonly role: "leader"; readonly attempt: number; readonly startedAt: number }
  /** Takes over from a leader whose time is up: it may have done anything, or nothing. */
  | { readonly role: "takeover"; readonly attempt: number; readonly startedAt: number }
  /** Another one leads; this one may read the outcome but not decide it. */
  | { readonly role: "follower"; readonly attempt: number; readonly startedAt: number }
  /** The write is complete: this one repeats its outcome. */
  | { readonly role: "replay"; readonly outcome: Outcome }
  /** The id was used before with another request. */
  | { readonly role: "key-mismatch" };

/** The answer to a participant that asks to decide a write's outcome. */
export type Claim =
  | { readonly state: "granted" }
  /** Another one was first. */
  | { readonly state: "completed"; readonly outcome: Outcome }
  /** Another one leads, or resolves the outcome, for so many milliseconds at most. */
  | { readonly state: "wait"; readonly leftMs: number }
  /** The record is of another attempt, or not there any more. */
  | { readonly state: "gone" };

export interface Completion {
  readonly participant: string;
  readonly attempt: number;
  readonly outcome: Outcome;
  /** `final` answers every later request; after `retryable` the next request begins a new attempt. */
  readonly end: "final" | "retryable";
}

/** The state of a write, for callers who only ask. */
export interface WriteState {
  readonly fingerprint: string;
  /** Empty when the write is complete. */
  readonly request: string;
  readonly attempt: number;
  readonly outcome: Outcome | null;
  /** True when no participant leads it any more and it is not complete. */
  readonly abandoned: boolean;
}

/**
 * Writes that several requests may take part in, shared by all replicas and kept for 24 hours after the last change.
 *
 * Every method is one atomic step. All throw WriteRecordsUnavailableError.
 */
export interface WriteRecords {
  join(id: string, request: JoinRequest): Promise<Participation>;
  /**
   * Lets one participant resolve the outcome: the leader, or whoever comes first when its time is up. From then on no other
   * completes the write.
   */
  claimOutcome(id: string, participant: string, attempt: number, leaseMs: number): Promise<Claim>;
  /** Stores an outcome, unless there is one. */
  complete(id: string, completion: Completion): Promise<Claim>;
  /** Drops an attempt of which its leader knows that it came to nothing: no job was submitted, and a repeat may begin anew. */
  forget(id: string, participant: string, attempt: number): Promise<void>;
  /** Ends a participant's lead, so that the next request need not wait for its time to be up. */
  release(id: string, participant: string): Promise<void>;
  /** Null when there is no such write. */
  read(id: string): Promise<WriteState | null>;
}
