import type { Creation, KeyRecord } from "./access-key.ts";
import type { OwnedExternalId } from "./external-ids.ts";
import type { KeyStep, StepStamp } from "./events/key-steps.ts";
import type { KeyHistory } from "./events/unlogged-events.ts";
import type { DesiredUser } from "./node-users.ts";
import type { Viewer } from "./owners.ts";
import type { GroupedNode } from "./wanted-on.ts";
import type { KeyStatus } from "./terms/key-status.ts";
import type { KeyTerms } from "./terms/key-terms.ts";

/**
 * Where keys live. Every method is one step that may run twice.
 *
 * All methods throw StoreUnavailableError when the store can't be reached or doesn't answer in time;
 * the write may have happened then.
 */
export interface KeyStore {
  /**
   * Claims a key for a create job, or finds what an earlier delivery claimed.
   *
   * @returns the claim that stands, or null when the job was cancelled before it claimed anything
   */
  claim(request: Omit<Creation, "keyId">): Promise<Creation | null>;
  /** The claim of a create job, null when there is none. */
  findCreation(job: string): Promise<Creation | null>;
  /** Makes sure that a job which has claimed nothing never will. @returns the claim when it came first */
  forbid(job: string): Promise<Creation | null>;
  /** Inserts the decision about a key unless there is one. @returns the decision that stands */
  decide(decision: Decision): Promise<KeyRecord>;
  find(keyId: number): Promise<KeyRecord | null>;
  /**
   * Stores what a change made of a key, unless it has a version that comes later; with an entry also a hand, in the same
   * write. A write that arrives late changes nothing.
   *
   * @returns the key as it is now, whoever changed it last; null when there is none. Its hands are complete when one was entered
   */
  change(keyId: number, version: KeyVersion, entry?: HandEntry): Promise<HandledKey | null>;
  /**
   * {@link change} of many keys, which enters no hand. One that is not there is left out.
   *
   * @returns those whose records are damaged so that no change of them is taken; all others are stored
   */
  changeMany(versions: ReadonlyMap<number, KeyVersion>): Promise<ReadonlySet<number>>;
  /** Enters a hand, whatever the phase. @returns the key as it is afterwards */
  takeUp(keyId: number, entry: HandEntry): Promise<HandledKey | null>;
  /**
   * Enters one hand into many keys by one write, whatever their phase.
   *
   * @returns once it is entered: the keys that there are, as they are afterwards, some at a time as they are found
   */
  takeUpMany(keyIds: readonly number[], hand: string): Promise<AsyncIterable<readonly HandledKey[]>>;
  /** Takes a hand of {@link takeUpMany} out of all its keys but these. */
  letGoMany(hand: string, except: readonly number[]): Promise<void>;
  /** Takes hands out again, and notes what they have done. */
  letGo(keyId: number, hands: readonly string[], done?: DoneOnNodes): Promise<void>;
  /**
   * Raises the phase to `deleting` and enters the job as the deleter unless another one came first; with an entry also a
   * hand, in the same write. With a stamp it is reported, if it is the first one.
   */
  beginDeletion(keyId: number, deleter: string, entry?: HandEntry, stamp?: StepStamp): Promise<HandledKey | null>;
  /**
   * Raises the phase to `deleting` because the creator received the answer that there is no key, and marks the nodes: the
   * creation may still be at work there. That it went is reported, as that it was made was.
   */
  cancel(keyId: number, nodes: readonly string[], stamp?: StepStamp): Promise<KeyRecord | null>;
  /** Raises the phase to `gone`; besides as {@link letGo}. */
  finishDeletion(keyId: number, hands?: readonly string[], done?: DoneOnNodes): Promise<void>;
  markIndeterminate(keyId: number, node: string): Promise<void>;
  clearIndeterminate(keyId: number, node: string): Promise<void>;
  /** Claims whose deadline passed before the given time and that nobody decided. */
  findOverdue(before: number): Promise<Creation[]>;
  /**
   * Keys whose deletion is under way or was left unfinished, and others that one of the nodes may still hold and should not:
   * see `isUncleared`.
   *
   * @param now milliseconds since the epoch
   * @param among looks at these keys alone; at all of them when left out
   */
  findUncleared(nodes: readonly GroupedNode[], now: number, among?: readonly number[]): Promise<HandledKey[]>;
}

/** All that can be changed about a key, as one change leaves it. Of two versions the later one stands. */
export interface KeyVersion
  extends Pick<KeyRecord, "uuid" | "name" | "token" | "terms" | "changedBy" | "changedAt" | "outbox"> {
  /** Decides between versions of the same revision: the fence of the lease under which it was made. */
  readonly fence: number;
}

/**
 * When keys have to be looked at: an index that is made anew from the store should it be lost. Every method throws when it
 * can't be reached.
 */
export interface DueKeys {
  /** Makes sure that the key is looked at no later than this; what is there already and comes earlier stays. */
  expect(keyId: number, due: Due): Promise<void>;
  /** Puts this in the place of what was expected of the key. */
  replace(keyId: number, due: Due): Promise<void>;
  /** {@link replace} of many keys. */
  replaceMany(dues: ReadonlyMap<number, Due>): Promise<void>;
  /** Those of the keys that are to be looked at before this. @param before milliseconds since the epoch */
  dueAmong(keyIds: readonly number[], before: number): Promise<ReadonlySet<number>>;
}

/** The moment and the amount at which a key has to be looked at; null for never. */
export interface Due {
  /** Milliseconds since the epoch. */
  readonly at: number | null;
  /** Bytes ever moved, both directions together. */
  readonly traffic: number | null;
}

/** A lease's holder that takes a key up. */
export interface HandEntry {
  /** The token of the holder. */
  readonly hand: string;
  /** The hand to be taken out for it, of a holder that is no more. */
  readonly inPlaceOf: string | null;
  /** Nodes to be marked, because calls of others may still come through. */
  readonly indeterminate: readonly string[];
}

/** A holder's work on a key's user. */
export interface DoneOnNodes {
  /** Nodes that the key's deletion has finished with. */
  readonly clear: readonly string[];
  /** Nodes that were made to converge: their marks go. */
  readonly converged: readonly string[];
}

/** A key with what the work on its users in the nodes has left in the store. */
export interface HandledKey extends KeyRecord {
  /**
   * Tokens of those who took the key up and have not let go of it: at most one, unless Redis forgot a lease and gave it
   * away twice.
   */
  readonly hands: readonly string[];
  /** Nodes that its deletion has finished with. One that was marked since is not. */
  readonly clear: readonly string[];
}

/** The record of a key that is written at the one point where its fate is decided. */
export interface Decision extends Omit<Creation, "deadline"> {
  readonly phase: KeyRecord["phase"];
  readonly indeterminate: readonly string[];
  /** Nodes that surely hold nothing of a key that is refused. */
  readonly clear?: readonly string[];
  /** The key's first version; left out of a refusal. */
  readonly begins?: { readonly token: string; readonly terms: KeyTerms; readonly outbox: readonly KeyStep[] };
}

/** The events of keys where they were born. Every method throws StoreUnavailableError while the store is away. */
export interface KeyOutbox {
  /** Of those of the keys that there are, gone ones too. */
  histories(keyIds: readonly number[]): Promise<KeyHistory[]>;
  /** Marks events as logged, by the ids of their keys. */
  mark(marks: ReadonlyMap<number, readonly string[]>): Promise<void>;
  /** All keys of which some event may not be marked. */
  unrelayed(): AsyncIterable<readonly number[]>;
}

/** The read-only view of keys. Every method throws StoreUnavailableError while the store is away. */
export interface KeyReader {
  /** Sees everything that was acknowledged before the call. Null when there is no such key. */
  find(keyId: number): Promise<KeyRecord | null>;
  /** Those of the keys that there are, by their ids. */
  findMany(keyIds: readonly number[]): Promise<ReadonlyMap<number, KeyRecord>>;
  /** The key of a UUID in lower case. */
  findByUuid(uuid: string): Promise<KeyRecord | null>;
  /** The key that a create job decided, null while it has decided nothing. */
  findByCreateJob(job: string): Promise<KeyRecord | null>;
  /** {@link findByCreateJob} of many jobs, by their ids; a job that has decided nothing is missing. */
  findByCreateJobs(jobs: readonly string[]): Promise<ReadonlyMap<string, KeyRecord>>;
  /** Active keys in ascending order of their ids, in groups, read as they are consumed. */
  listActive(page?: KeyPage): AsyncIterable<readonly KeyRecord[]>;
  /** Ids of active keys in ascending order, with their create jobs, in groups: a tenth of what {@link listActive} reads. */
  listActiveIds(page?: KeyPage): AsyncIterable<readonly Pick<KeyRecord, "keyId" | "job">[]>;
  /**
   * Those of the ids whose keys are active, whichever way the store finds them soonest.
   *
   * @param viewer counts only what it sees
   */
  activeAmong(keyIds: readonly number[], viewer: Viewer): Promise<Set<number>>;
  /**
   * Those of the ids whose keys are decided and not deleted. One whose record makes no sense is among them: nothing says that
   * it was deleted, so that what is kept of it stays.
   */
  keptAmong(keyIds: readonly number[]): Promise<Set<number>>;
  /** The ids of all keys that {@link keptAmong} names, in groups, in no order. */
  listKeptIds(): AsyncIterable<readonly number[]>;
  /** How many active keys fit; all without a filter. */
  countActive(filter?: KeyFilter): Promise<number>;
  /** One pass over all active keys that fit; `at` is the moment whose statuses are counted. */
  summarize(filter: KeyFilter): Promise<KeySummary>;
  /** The key that has an external id, or had it until it was deleted. */
  findByExternalId(id: OwnedExternalId): Promise<KeyRecord | null>;
  /** Active keys about which something will become due by itself, in groups, in no order. */
  listDue(): AsyncIterable<readonly KeyRecord[]>;
}

/**
 * A part of an ascending list: at most `limit` entries with ids above `after`, of those that fit. One with fewer entries is the
 * last: keys that are not listed, be it that their records make no sense, take no room.
 */
export interface KeyPage {
  readonly limit?: number;
  readonly after?: number;
  readonly filter?: KeyFilter;
  /** Leaves out keys for a reason that the store does not know of. */
  readonly shows?: (key: Pick<KeyRecord, "job">) => boolean;
}

/** The filter of a list of keys. All that it names has to fit; texts are compared exactly. */
export interface KeyFilter {
  /** The status that keys have at `at`. */
  readonly status?: KeyStatus;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly tag?: string;
  readonly group?: string;
  readonly name?: string;
  /** Unix seconds; keys without an end never fit. */
  readonly expiresBefore?: number;
  readonly expiresAfter?: number;
  /** Only the keys of this owner; left out for all keys. */
  readonly owner?: string;
  /** Only these. */
  readonly keyIds?: readonly number[];
  /** None of these. */
  readonly exceptKeyIds?: readonly number[];
}

/** The numbers of active keys at a moment. */
export interface KeySummary {
  readonly byStatus: Readonly<Record<KeyStatus, number>>;
  /** How many keys are in each group that some key is in. */
  readonly byGroup: ReadonlyMap<string, number>;
}

/** The users that nodes should hold. Every method throws StoreUnavailableError while the store is away. */
export interface DesiredState {
  /** Keys that are claimed and not decided: perhaps in some node already. */
  findCreating(): Promise<readonly Creation[]>;
  /** The user of every key that is in service at the moment, by the key's id. */
  findDesired(): Promise<ReadonlyMap<number, DesiredUser>>;
  /** Whether at least so many keys in service are in one of these groups: quick, however many there are. */
  hasDesired(atLeast: number, groups: readonly string[]): Promise<boolean>;
}

/** {@link DesiredState} as it is stored. */
export interface DesiredStore extends DesiredState {
  /** {@link findDesired} of these keys alone. */
  findDesiredAmong(keyIds: readonly number[]): Promise<ReadonlyMap<number, DesiredUser>>;
}

/** Keeps how the inbound of each place is made, as opaque text and a secret. Every method throws StoreUnavailableError. */
export interface InboundVault {
  save(place: string, inbound: string): Promise<void>;
  /** Null when none is there. */
  load(place: string): Promise<string | null>;
  /** The names of all places of which one is there. */
  names(): Promise<string[]>;
  remove(places: readonly string[]): Promise<void>;
}
