import {
  type DesiredState,
  desiredOn,
  type DesiredUser,
  type GroupedNode,
  groupsMeet,
  type LifecyclePorts,
  LeaseHeldError,
  isNodeError,
  type NodeUsers,
  removeOrphan,
  restoreKey,
  tryRead,
} from "@veil/keys";
import pLimit from "p-limit";
import { type ConfirmedDrift, confirmDrift } from "./confirm-drift.ts";
import { type ActualUser, type ComparedNode, diffUsers } from "./diff-users.ts";
import { isDatabaseSuspect, neverRevoked, withOtherSecrets } from "./orphan-brake.ts";

/** A node as the reconciler sees it. */
export interface ReconciledNode extends NodeUsers, ComparedNode {
  /** Looks at the inbound and its users. @throws {NodeUnreachableError | NodeIndeterminateError | StoreUnavailableError} */
  list(): Promise<ListedInbound>;
}

/** The desired state of the nodes, as passes over several of them share it. */
export interface ReconciledState extends DesiredState {
  /**
   * Every active key's user as a read found it that began after a moment, and some seconds ago at most.
   *
   * @param after by the monotonic clock of this process @throws {StoreUnavailableError}
   */
  recentDesired(after: number): Promise<ReadonlyMap<number, DesiredUser>>;
  /** Whether a key in service is marked for this node, as far as {@link recentDesired} last knew. */
  isIndeterminate(node: string): boolean;
  /** How many keys in service are in one of these groups, as far as {@link recentDesired} last knew. */
  countIn(groups: readonly string[]): number;
  /** Called with keys about which {@link recentDesired} may be wrong: they are read again before it answers next. */
  reread(keyIds: readonly number[]): void;
}

export interface PassOptions {
  /** Lets the pass remove users without a record even where most of a node's users have none. Default false. */
  readonly mayRemoveMost?: boolean;
  /**
   * Lets the pass compare with what another one began to read after this moment, by the monotonic clock; null for
   * what it reads itself. The end of the last pass over the node: what that one did not know of is then found by this one. Not
   * for a node that lost its users: keys that were made since the read would wait for the next pass. Default null.
   */
  readonly readAfter?: number | null;
}

/** Those of the keys whose records make no sense. @throws {StoreUnavailableError} */
export type UnreadableAmong = (keyIds: readonly number[]) => Promise<ReadonlySet<number>>;

/** A node's inbound as it was listed, and the way to put another one in its place. */
export interface ListedInbound {
  /** `outdated`: it lacks what share links name; `missing`: somebody removed it. */
  readonly state: "sound" | "outdated" | "missing";
  readonly users: readonly ActualUser[];
  /**
   * Replaces the inbound by one that holds what the state wants and the unmanaged users it had.
   *
   * The state is read only once the inbound is gone: a key that is deleted before is then left out, and the removal of one
   * that is deleted later finds the new inbound.
   *
   * @param unreadableAmong asked about users of ours that it had and the state does not want: those of keys whose records make no
   *   sense stay. None when left out
   * @returns the desired users as read then @throws as `list`
   */
  rebuild(state: DesiredState, unreadableAmong?: UnreadableAmong): Promise<ReadonlyMap<number, DesiredUser>>;
}

export interface PassResult {
  /** The drift found at the first look. */
  readonly drift: ConfirmedDrift;
  /** True when most users are none of the database's: it is suspect, and the node was left as it is. */
  readonly braked: boolean;
  /** Of how many users the key never had their secret. Only looked for where it decides that. */
  readonly mismatched: number;
  readonly inboundMissing: boolean;
  readonly rebuilds: number;
  /** Users that could not be repaired this time: held by another process, the node failed, or the record of their key takes no change. */
  readonly postponed: number;
  /**
   * Whether the node holds all that it should: all users could be repaired, and no brake was pulled. Users that leave
   * soon by themselves may be there, and those of keys whose record takes no change may be there or not.
   */
  readonly isFilled: boolean;
  /** Users of ours that the node is to hold now. */
  readonly users: number;
  /** Users that are not ours, at the last look. */
  readonly unmanaged: number;
}

/** From here on replacing the whole inbound is faster than adding users one by one (measured: 70,000 users/s against 5,000/s). */
const REBUILD_FROM = 500;
/** An inbound that holds none of ours has lost them together: rebuilding it disturbs nobody, and needs no look at the state. */
const REBUILD_EMPTIED_FROM = 50;
const MOST_REBUILDS = 3;
/** Another look at a node costs less than to find so many keys. */
const LOOKED_AT_AGAIN_FROM = 50;
/** Within so long a worker looks at every key that is due, also at one that another worker took and did not finish. */
const LOOKED_AT_SOON_MS = 20_000;
const REPAIRED_AT_ONCE = 32;
/** The store finds what is asked for at once together. */
const LOOKED_UP_AT_ONCE = 512;

/**
 * Makes one node hold what is desired, both ways, whatever happened to it.
 *
 * The actual users are listed first, then the keys under creation are read. The desired users they are compared with may
 * be some seconds old, so every key in which they differ is looked up afterwards: one that was made or deleted meanwhile is
 * no drift, and a key that goes from creation to active is seen in at least one of both and never taken for an orphan. After a
 * rebuild everything is looked at again, since keys went on changing beside it.
 *
 * @throws {NodeUnreachableError | NodeIndeterminateError | StoreUnavailableError}
 */
export async function reconcileNode(
  node: ReconciledNode,
  state: ReconciledState,
  ports: LifecyclePorts,
  { mayRemoveMost = false, readAfter = null }: PassOptions = {},
): Promise<PassResult> {
  let first: ConfirmedDrift | undefined;
  let inboundMissing = false;
  const own = stateOn(node, state);
  for (let rebuilds = 0; ; rebuilds += 1) {
    const mayRebuild = rebuilds < MOST_REBUILDS;
    const listed = await node.list();
    inboundMissing ||= listed.state === "missing";
    // Users are offline, so skip this read: the rebuild reads the desired state itself.
    if (mayRebuild && (await hasLostAll(node, listed, state))) {
      const desired = await listed.rebuild(own);
      first ??= { ...diffUsers(node, listed.users, desired, nobody), unknown: [] };
      continue;
    }
    const unmanaged = listed.users.length - countOurs(listed.users);
    const { drift, users, left } = await compare(node, listed, { state, readAfter }, ports);
    const mismatched = mayRemoveMost ? null : await mismatchedUsers(listed.users, drift, ports);
    const looked = { inboundMissing, rebuilds, users, unmanaged };
    if (mismatched !== null)
      return { ...looked, drift: first ?? drift, braked: true, mismatched, postponed: 0, isFilled: false };
    let missing = drift.missing;
    if (mayRebuild && (listed.state === "outdated" || drift.missing.length >= REBUILD_FROM)) {
      // Looked at anew: hundreds of keys may have been made, and unmanaged users have come, while the state was read.
      const again = await node.list();
      missing = absentFrom(again.users, missing);
      first ??= { ...drift, missing };
      if (again.state !== "sound" || missing.length >= REBUILD_FROM) {
        await again.rebuild(own, (keyIds) => unreadableAmong(keyIds, ports));
        continue;
      }
    }
    // One that goes soon by itself may be there because of earlier groups: whoever takes it out has to ask this node.
    const { unrepaired, refused } = await repair(node, { ...drift, missing }, ports);
    const postponed = unrepaired + refused + (node.isSettled ? 0 : left);
    const isFilled = unrepaired === 0;
    return { ...looked, drift: first ?? drift, braked: false, mismatched: 0, postponed, isFilled };
  }
}

/** Where hundreds of keys differ, all are read anew: that takes as long as to look these up, and they may be wrong together. */
async function compare(
  node: ReconciledNode,
  { users }: ListedInbound,
  { state, readAfter }: { readonly state: ReconciledState; readonly readAfter: number | null },
  ports: LifecyclePorts,
): Promise<{ readonly drift: ConfirmedDrift; readonly users: number; readonly left: number }> {
  const { store, clock } = ports;
  const creating = new Set((await state.findCreating()).map(({ keyId }) => keyId));
  const recent = desiredOn(node, await (readAfter === null ? state.findDesired() : state.recentDesired(readAfter)));
  const differences = diffUsers(node, users, recent, creating);
  const leaving = await leavingAmong(differences.orphans, node, ports);
  const left = leaving.size;
  const drift = { ...differences, orphans: differences.orphans.filter((keyId) => !leaving.has(keyId)) };
  const differing = drift.missing.length + drift.wrong.length + drift.indeterminate.length + drift.orphans.length;
  state.reread([...differences.orphans, ...drift.missing.map(idOf), ...drift.wrong.map(idOf)]);
  if (differing < REBUILD_FROM)
    return { drift: await confirmDrift(node, drift, store, clock.now()), users: recent.size, left };
  const desired = desiredOn(node, await state.findDesired());
  const { orphans: unwanted, ...wanted } = diffUsers(node, users, desired, creating);
  const orphans = unwanted.filter((keyId) => !leaving.has(keyId));
  const none = { missing: [], wrong: [], indeterminate: [] };
  return {
    drift: { ...(await confirmDrift(node, { ...none, orphans }, store, clock.now())), ...wanted },
    users: desired.size,
    left,
  };
}

const nobody: ReadonlySet<number> = new Set();

async function unreadableAmong(
  keyIds: readonly number[],
  { store }: Pick<LifecyclePorts, "store">,
): Promise<ReadonlySet<number>> {
  const limit = pLimit(LOOKED_UP_AT_ONCE);
  const keys = await Promise.all(keyIds.map((keyId) => limit(() => tryRead(() => store.find(keyId)))));
  return new Set(keyIds.filter((_, index) => keys[index] === "unreadable"));
}

const idOf = ({ keyId }: DesiredUser): number => keyId;

/**
 * Those of the orphans that are on their way out, or have gone since the node was looked at: when thousands expired just now,
 * nobody else need find and remove each of them. The index is asked first, so that one that goes meanwhile is among either.
 */
async function leavingAmong(
  orphans: readonly number[],
  node: ReconciledNode,
  { due, clock }: LifecyclePorts,
): Promise<ReadonlySet<number>> {
  if (orphans.length === 0) return nobody;
  const leaving = await due.dueAmong(orphans, clock.now() + LOOKED_AT_SOON_MS);
  if (orphans.length - leaving.size < LOOKED_AT_AGAIN_FROM) return leaving;
  const present = new Set((await node.list()).users.map(({ keyId }) => keyId));
  return new Set(orphans.filter((keyId) => leaving.has(keyId) || !present.has(keyId)));
}

/** The part of the state that concerns one node. Keys under creation whose groups are not known may be everywhere. */
function stateOn(node: GroupedNode, state: DesiredState): DesiredState {
  return {
    findDesired: async () => desiredOn(node, await state.findDesired()),
    findCreating: async () =>
      (await state.findCreating()).filter(({ groups }) => groups === undefined || groupsMeet(groups, node.groups)),
    hasDesired: (atLeast, groups) => state.hasDesired(atLeast, groups),
  };
}

async function hasLostAll({ groups }: GroupedNode, listed: ListedInbound, state: DesiredState): Promise<boolean> {
  if (listed.users.some(({ keyId }) => keyId !== null)) return false;
  return listed.state !== "sound" || (await state.hasDesired(REBUILD_EMPTIED_FROM, groups));
}

/** @returns of how many users the key never had their secret, where the database is suspect; null where it is not */
async function mismatchedUsers(
  users: readonly ActualUser[],
  { wrong, unknown }: ConfirmedDrift,
  { store }: LifecyclePorts,
): Promise<number | null> {
  const ours = countOurs(users);
  if (isDatabaseSuspect(ours, unknown.length)) return 0;
  const mismatched = withOtherSecrets(users, wrong);
  if (!isDatabaseSuspect(ours, unknown.length + mismatched.length)) return null;
  const { length } = await neverRevoked(mismatched, store);
  return isDatabaseSuspect(ours, unknown.length + length) ? length : null;
}

function countOurs(users: readonly ActualUser[]): number {
  return users.filter(({ keyId }) => keyId !== null).length;
}

function absentFrom(users: readonly ActualUser[], wanted: readonly DesiredUser[]): DesiredUser[] {
  const present = new Set(users.map(({ keyId }) => keyId));
  return wanted.filter(({ keyId }) => !present.has(keyId));
}

/** @returns how many users could not be repaired this time, and of how many more the record takes no change */
async function repair(
  node: NodeUsers,
  drift: ConfirmedDrift,
  ports: LifecyclePorts,
): Promise<{ readonly unrepaired: number; readonly refused: number }> {
  const limit = pLimit(REPAIRED_AT_ONCE);
  const restored = [...drift.missing, ...drift.wrong, ...drift.indeterminate].map((user) =>
    limit(() => attempt(() => restoreKey(user.keyId, node, ports))),
  );
  const removed = drift.orphans.map((keyId) => limit(() => attempt(() => removeOrphan(keyId, node, ports))));
  const ends = await Promise.all([...restored, ...removed]);
  const count = (of: (typeof ends)[number]) => ends.filter((end) => end === of).length;
  return { unrepaired: count("postponed"), refused: count("refused") };
}

async function attempt(task: () => Promise<unknown>): Promise<"done" | "postponed" | "refused"> {
  try {
    const end = await tryRead(task);
    if (end === "unreadable") return "refused";
    return end === "pending" ? "postponed" : "done";
  } catch (error) {
    if (error instanceof LeaseHeldError || isNodeError(error)) return "postponed";
    throw error;
  }
}
