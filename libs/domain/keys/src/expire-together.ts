import pLimit from "p-limit";
import { isVisible } from "./access-key.ts";
import { contextAtRest, dueContexts } from "./change-context.ts";
import { clearNode, isHeld } from "./clear-key.ts";
import { type DueEnd, dueOf, dueVersion, LOOK_AT_UNREADABLE_MS, NOTHING_DUE } from "./due-of.ts";
import { LeaseHeldError } from "./errors.ts";
import { expectEvents } from "./events/expect-events.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease, NodeUsers } from "./node-users.ts";
import type { Due, HandledKey, KeyVersion } from "./ports.ts";
import { RemovalQueues } from "./removal-queues.ts";
import { applyDue, dependsOnTraffic } from "./terms/change-terms.ts";
import { isInService, isPast } from "./terms/key-status.ts";
import { mayHold } from "./wanted-on.ts";

/** So many calls are under way at a node at once: half of those that its connection takes, so that others find room. */
const REMOVED_AT_ONCE = 32;

/** Of a key that needs a look of its own. */
type TogetherEnd = DueEnd | "alone";

interface Group {
  readonly hand: string;
  readonly leases: ReadonlyMap<number, HeldLease>;
  readonly ends: Map<number, TogetherEnd>;
  /** Keys of which calls to nodes may have begun. */
  readonly begun: Set<number>;
  readonly ports: LifecyclePorts;
  readonly queues: RemovalQueues;
  /** Errors other than lost leases. */
  readonly failures: unknown[];
}

/**
 * Takes those of many due keys out of every node of which nothing is due but that they have expired: one hand, one find, a few
 * commands to Redis and one write that says so and reports it for all of them, so that the calls to the nodes are what a key
 * costs.
 *
 * Also done with keys that somebody has extended or deleted in time. Others need a look of their own: those that somebody
 * holds, that are marked, or whose terms change otherwise.
 *
 * @param queues shared by whoever does so at the same time
 * @returns what became of the keys it is done with
 * @throws {StoreUnavailableError} or what the index of due keys and the leases throw; whatever was not done stays due
 */
export async function expireTogether(
  keyIds: readonly number[],
  ports: LifecyclePorts,
  queues = new RemovalQueues(),
): Promise<ReadonlyMap<number, DueEnd>> {
  const failures: unknown[] = [];
  const ends = await ports.lease.holdMany<TogetherEnd>(keyIds, async (leases) => {
    const [first] = leases.values();
    if (first === undefined) return new Map();
    const group: Group = { hand: first.token, leases, ends: new Map(), begun: new Set(), ports, queues, failures };
    await expireHeld(group);
    return group.ends;
  });
  if (failures.length > 0) throw failures[0];
  return new Map([...ends].flatMap(([keyId, end]) => (end === "alone" ? [] : [[keyId, end] as const])));
}

async function expireHeld(group: Group): Promise<void> {
  const { hand, leases, ends, begun, ports } = group;
  try {
    await expireFound(group);
  } catch (error) {
    fail(error, group);
  }
  // A key for which no node was called is given back as it was: its next holder has nothing to force.
  for (const keyId of leases.keys()) if (!ends.has(keyId) && !begun.has(keyId)) ends.set(keyId, "later");
  const unfinished = [...leases.keys()].filter((keyId) => !ends.has(keyId));
  await ports.store.letGoMany(hand, unfinished);
}

async function expireFound(group: Group): Promise<void> {
  const { hand, leases, ends, ports } = group;
  const found = await ports.store.takeUpMany([...leases.keys()], hand);
  // The next ones are read while these are removed; the rules of a node are for one part after the other.
  let parts: Promise<void> = Promise.resolve();
  const seen = new Set<number>();
  try {
    for await (const keys of found) {
      for (const { keyId } of keys) seen.add(keyId);
      const before = parts;
      parts = before.then(() => expirePart(keys, group));
    }
  } finally {
    await parts;
  }
  // Of a key that nobody has decided another look may find more.
  for (const keyId of leases.keys()) if (!seen.has(keyId)) ends.set(keyId, "alone");
}

/** Never rejects: what goes wrong leaves its keys without an end. */
async function expirePart(keys: readonly HandledKey[], group: Group): Promise<void> {
  const { ends, ports } = group;
  try {
    const now = ports.clock.now();
    const dues = new Map<number, Due>();
    const expired: HandledKey[] = [];
    for (const key of keys) {
      const next = nextStep(key, group, now);
      if (next === "expire") expired.push(key);
      else if (next === "alone") ends.set(key.keyId, "alone");
      else dues.set(key.keyId, next === "gone" ? NOTHING_DUE : dueOf(key.terms, now, ports.notices));
    }
    const { versions, refused } = await storeExpiry(expired, now, group);
    const later = { at: now + LOOK_AT_UNREADABLE_MS, traffic: null };
    for (const { keyId, terms } of await removeAll(expired, group)) {
      const next = () => dueOf(versions.get(keyId)?.terms ?? terms, now, ports.notices);
      dues.set(keyId, refused.has(keyId) ? later : next());
    }
    const lasting = [...dues].filter(([keyId]) => lasts(keyId, group));
    await ports.due.replaceMany(new Map(lasting));
    const gone = new Set(keys.filter((key) => !isVisible(key)).map(({ keyId }) => keyId));
    for (const [keyId] of lasting) ends.set(keyId, refused.has(keyId) ? "later" : gone.has(keyId) ? "gone" : "applied");
  } catch (error) {
    fail(error, group);
  }
}

/** The next step for a key as it is under its lease; `expect` when nothing is due about it any more. */
function nextStep(key: HandledKey, { hand, ports }: Group, now: number): "expire" | "expect" | "gone" | "alone" {
  if (key.hands.some((other) => other !== hand)) return "alone";
  if (!isVisible(key)) return "gone";
  const { terms } = key;
  // A reset or the end of a hold changes what is stored.
  const mayChange = terms.holdFor !== null || isPast(terms.nextResetAt, now);
  if (mayChange || key.indeterminate.length > 0) return "alone";
  if (isPast(terms.expiresAt, now)) return "expire";
  const isAwaited = terms.limitedAt !== null || dependsOnTraffic(terms, {}, now, ports.notices);
  if (!isInService(terms, now) || isAwaited) return "alone";
  // That its end comes soon may be due to be reported.
  return applyDue(terms, contextAtRest(now, ports)) === terms ? "expect" : "alone";
}

interface StoredExpiry {
  /** Of those of which there was anything to store. */
  readonly versions: ReadonlyMap<number, KeyVersion>;
  /** Those of which the store takes no change. They have expired all the same, and leave the nodes. */
  readonly refused: ReadonlySet<number>;
}

/** Stores that keys have expired, with what is reported of it. */
async function storeExpiry(expired: readonly HandledKey[], now: number, group: Group): Promise<StoredExpiry> {
  const { leases, ports } = group;
  const versions = new Map<number, KeyVersion>();
  if (expired.length === 0) return { versions, refused: new Set() };
  const contextOf = await dueContexts(expired, now, ports);
  const reported: number[] = [];
  for (const key of expired) {
    const { keyId } = key;
    const lease = leases.get(keyId);
    const due = lease === undefined ? null : dueVersion(key, contextOf(keyId), lease.fence);
    if (due === null) continue;
    versions.set(keyId, due.version);
    if (due.steps.length > 0) reported.push(keyId);
  }
  const hint = await expectEvents(reported, ports);
  const lasting = [...versions].filter(([keyId]) => lasts(keyId, group));
  const refused = lasting.length === 0 ? new Set<number>() : await ports.store.changeMany(new Map(lasting));
  hint.ready();
  return { versions, refused };
}

/** @returns the keys that every node is done with, or away */
async function removeAll(expired: readonly HandledKey[], group: Group): Promise<readonly HandledKey[]> {
  if (expired.length === 0) return [];
  const failed = new Set<number>();
  const lasting = expired.filter(({ keyId }) => lasts(keyId, group));
  await Promise.all(group.ports.nodes.map((node) => removeFrom(node, lasting, failed, group)));
  return lasting.filter(({ keyId }) => !failed.has(keyId));
}

/** @param failed where keys are entered that the node is not done with */
async function removeFrom(
  node: NodeUsers,
  expired: readonly HandledKey[],
  failed: Set<number>,
  group: Group,
): Promise<void> {
  const { leases, queues, begun, ports } = group;
  const held = expired.filter((key) => mayHold(key, node, key.terms.groups));
  if (held.length === 0) return;
  await queues.run(node.name, async () => {
    await node.prepareRemovals(
      held.map(({ keyId }) => keyId),
      (keyId) => lasts(keyId, group),
    );
    const limit = pLimit(REMOVED_AT_ONCE);
    const removals = held.map((key) =>
      limit(async () => {
        const lease = leases.get(key.keyId);
        try {
          if (lease === undefined) return;
          lease.mustLast();
          begun.add(key.keyId);
          await clearNode(node, key, lease, ports, { isPrepared: true });
        } catch (error) {
          failed.add(key.keyId);
          fail(error, group);
        }
      }),
    );
    await Promise.all(removals);
  });
}

/** Whether a key's next holder can't have come yet, so that what is expected of it is this one's to say. */
function lasts(keyId: number, { leases }: Group): boolean {
  const lease = leases.get(keyId);
  return lease === undefined || isHeld(lease);
}

function fail(reason: unknown, group: Group): void {
  if (!(reason instanceof LeaseHeldError)) group.failures.push(reason);
}
