import pLimit from "p-limit";
import { isVisible, type KeyRecord } from "./access-key.ts";
import { contextOf } from "./change-context.ts";
import { convergeHeld } from "./converge-key.ts";
import { LeaseHeldError } from "./errors.ts";
import { type DueEnd, dueOf, dueVersion, LOOK_AT_UNREADABLE_MS, NOTHING_DUE } from "./due-of.ts";
import { expectEvents } from "./events/expect-events.ts";
import { expireTogether } from "./expire-together.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease } from "./node-users.ts";
import type { HandEntry, HandledKey } from "./ports.ts";
import { RemovalQueues } from "./removal-queues.ts";
import { handEntryOf, passOnMarks, waitForOthers } from "./take-up-key.ts";
import { isInService } from "./terms/key-status.ts";
import type { KeyTerms } from "./terms/key-terms.ts";
import { tryRead } from "./try-read.ts";

/** Looking at a key is mostly waiting, for its lease and for the nodes. */
const LOOKED_AT_ONCE = 256;
/** Another process is at the key. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Carries out what has become due about keys: an expiry, a limit that is reached, a reset, a hold that ends. Every node in
 * reach follows, and what is due next is expected.
 *
 * @param keyIds the longest overdue first
 * @param queues shared by whoever does so at the same time
 * @throws {StoreUnavailableError} or what the index of due keys throws; whatever was not done stays due
 */
export async function applyDueTerms(
  keyIds: readonly number[],
  ports: LifecyclePorts,
  queues = new RemovalQueues(),
): Promise<Map<number, DueEnd>> {
  const together = await expireTogether(keyIds, ports, queues);
  const limit = pLimit(LOOKED_AT_ONCE);
  const ends = await Promise.allSettled(
    keyIds
      .filter((keyId) => !together.has(keyId))
      .map((keyId) => limit(async (): Promise<[number, DueEnd]> => [keyId, await applyOne(keyId, ports)])),
  );
  return new Map([
    ...together,
    ...ends.map((end) => {
      if (end.status === "rejected") throw end.reason;
      return end.value;
    }),
  ]);
}

async function applyOne(keyId: number, ports: LifecyclePorts): Promise<DueEnd> {
  try {
    return await ports.lease.hold(keyId, (lease) => applyHeld(keyId, lease, ports));
  } catch (error) {
    if (!(error instanceof LeaseHeldError)) throw error;
    await ports.due.expect(keyId, { at: ports.clock.now() + LOOK_AGAIN_MS, traffic: null });
    return "later";
  }
}

/** A key of which the record makes no sense or takes no change is looked at again when somebody may have mended it. */
async function applyHeld(keyId: number, lease: HeldLease, ports: LifecyclePorts): Promise<DueEnd> {
  const end = await tryRead(() => applyRead(keyId, lease, ports));
  return end === "unreadable" ? lookLater(keyId, lease, ports) : end;
}

/** @throws {UnreadableRecordError} */
async function applyRead(keyId: number, lease: HeldLease, ports: LifecyclePorts): Promise<DueEnd> {
  const found = await ports.store.find(keyId);
  if (found === null || !isVisible(found)) {
    await passOnMarks(keyId, lease, ports);
    await ports.due.replace(keyId, NOTHING_DUE);
    return found === null ? lookOnceMore(keyId, ports) : "gone";
  }
  const context = await contextOf(found, {}, ports);
  let key: KeyRecord | HandledKey | null = found;
  const changed = dueVersion(key, context, lease.fence);
  const terms = changed?.version.terms ?? key.terms;
  // Nodes see nothing of a change when the limit was not reached before, the key is in service now, and no holder died that was
  // to call them.
  const isSeenByNodes = key.terms.limitedAt !== null || !isInService(terms, context.now) || lease.abandonedBy !== null;
  const entry = isSeenByNodes ? handEntryOf(lease, [], ports) : undefined;
  if (changed !== null) {
    const hint = await expectEvents(changed.steps.length > 0 ? [keyId] : [], ports);
    lease.mustLast();
    key = await ports.store.change(keyId, changed.version, entry);
    hint.ready();
  } else if (entry !== undefined) {
    lease.mustLast();
    key = await ports.store.takeUp(keyId, entry);
  }
  if (key === null) return "gone";
  let at = context.now;
  if (isHandled(key, entry)) {
    const taken = await waitForOthers(key, lease, ports);
    key = taken.key;
    at = ports.clock.now();
    if (isVisible(key)) await convergeHeld(taken, lease, ports);
    else await ports.store.letGo(keyId, taken.hands);
  } else {
    await passOnMarks(keyId, lease, ports);
  }
  if (context.lifetime === null) return lookLater(keyId, lease, ports, key.terms);
  await replaceDue({ keyId, terms: key.terms, at }, lease, ports);
  return "applied";
}

/** @param terms where they can be read, but not what the key has moved: what is due about them by time alone is done in time */
async function lookLater(
  keyId: number,
  lease: HeldLease,
  { due, clock, notices }: LifecyclePorts,
  terms?: KeyTerms,
): Promise<DueEnd> {
  const now = clock.now();
  const next = terms === undefined ? NOTHING_DUE : dueOf({ ...terms, nextResetAt: null }, now, notices);
  lease.mustLast();
  await due.replace(keyId, { at: Math.min(next.at ?? Infinity, now + LOOK_AT_UNREADABLE_MS), traffic: null });
  return "later";
}

/** A key that is decided just now: its creation expects it after that, and before is only what was taken away here. */
async function lookOnceMore(keyId: number, ports: LifecyclePorts): Promise<DueEnd> {
  const key = await ports.store.find(keyId);
  if (key === null || !isVisible(key)) return "gone";
  await ports.due.expect(keyId, dueOf(key.terms, key.createdAt * 1_000, ports.notices));
  return "later";
}

function isHandled(key: KeyRecord | HandledKey, entry: HandEntry | undefined): key is HandledKey {
  return entry !== undefined && "hands" in key;
}

/** Makes sure that a key with these terms is looked at in time. To be called before they are stored. */
export async function expectDue(
  keyId: number,
  terms: KeyTerms,
  { due, clock, notices }: LifecyclePorts,
): Promise<void> {
  const next = dueOf(terms, clock.now(), notices);
  if (next.at !== null || next.traffic !== null) await due.expect(keyId, next);
}

/**
 * Expects a key again that has just been decided: a process that looked at it before, or made the index anew, has found
 * nothing of it. A term that ended since the key was claimed is due as well.
 */
export async function expectDecided(
  { keyId, terms, createdAt }: KeyRecord,
  { due, notices }: LifecyclePorts,
): Promise<void> {
  const next = dueOf(terms, createdAt * 1_000, notices);
  if (next.at !== null || next.traffic !== null) await due.expect(keyId, next);
}

/** A key whose nodes follow its terms. */
export interface FollowedKey {
  readonly keyId: number;
  readonly terms: KeyTerms;
  /** When it was decided what the nodes have to do. Milliseconds since the epoch; what became due since is still to be done. */
  readonly at: number;
}

/**
 * Expects of a key what its terms say, and nothing else. To be called once they are stored and the nodes have followed.
 *
 * @throws {LeaseHeldError} when the lease ran out: its next holder may expect something else
 */
export async function replaceDue(
  { keyId, terms, at }: FollowedKey,
  lease: HeldLease,
  { due, notices }: LifecyclePorts,
): Promise<void> {
  lease.mustLast();
  await due.replace(keyId, dueOf(terms, at, notices));
}
