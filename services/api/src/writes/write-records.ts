import type { JsonReply } from "../http/reply.ts";

/** What is asked of the store of writes by one who wants to take part in a write. */
export interface TurnRequest {
  /** Names this participant; fresh for every one. */
  readonly participant: string;
  /** Says which request this is: another one may not use the same id. */
  readonly fingerprint: string;
  /** The request itself, for participants that come without it. */
  readonly request: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** How long a participant that leads may take before another one takes its place, in milliseconds. */
  readonly leaseMs: number;
}

/** A participant's place in a write. Attempts count from 1; a new one begins only when surely nothing was done. */
export type Turn =
  /** The first of the attempt: nobody else has begun it. */
  | { readonly role: "leader"; readonly attempt: number; readonly startedAt: number }
  /** Takes the place of a leader whose time is up: it may have done anything, or nothing. */
  | { readonly role: "heir"; readonly attempt: number; readonly startedAt: number }
  /** Another one leads; this one may read the outcome but not decide it. */
  | { readonly role: "follower"; readonly attempt: number; readonly startedAt: number }
  | { readonly role: "settled"; readonly reply: JsonReply }
  | { readonly role: "stranger" };

/** A participant's right to judge. */
export type Judgement =
  | { readonly state: "granted" }
  | { readonly state: "settled"; readonly reply: JsonReply }
  /** Another one leads, or judges, for so many milliseconds at most. */
  | { readonly state: "wait"; readonly leftMs: number }
  /** The record is of another attempt, or not there any more. */
  | { readonly state: "gone" };

export interface Settlement {
  readonly participant: string;
  readonly attempt: number;
  readonly reply: JsonReply;
  /** `final` answers every later request; after `passing` the next request begins a new attempt. */
  readonly end: "final" | "passing";
}

/** What is known of a write to one who only asks. */
export interface WriteState {
  readonly fingerprint: string;
  readonly request: string;
  readonly attempt: number;
  readonly reply: JsonReply | null;
  /** True when nobody leads it any more and it is not settled. */
  readonly abandoned: boolean;
}

/**
 * Writes that several requests may take part in, shared by all replicas and kept for 24 hours after the last change.
 *
 * Every method is one atomic step. All throw WriteRecordsUnavailableError.
 */
export interface WriteRecords {
  begin(id: string, request: TurnRequest): Promise<Turn>;
  /** Lets one participant judge: the leader, or whoever comes first when its time is up. From then on no other settles. */
  judge(id: string, participant: string, attempt: number, leaseMs: number): Promise<Judgement>;
  /** Stores an answer, unless one stands. */
  settle(id: string, settlement: Settlement): Promise<Judgement>;
  /** Ends a participant's lead, so that the next request need not wait for its time to be up. */
  release(id: string, participant: string): Promise<void>;
  /** Null when there is no such write. */
  read(id: string): Promise<WriteState | null>;
}
