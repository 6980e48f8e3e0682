import type { HandEntry, HandledKey } from "./ports.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease } from "./node-users.ts";
import { LEASE_MS } from "./timing.ts";

/** A key in the hands of one process alone. */
export interface TakenKey {
  readonly key: HandledKey;
  /** Those to be let go of at the end: this one and the ones that it outlasted. */
  readonly hands: readonly string[];
}

/**
 * Takes a key up for changes of its user in the nodes. To be done under the key's lease, before the first call.
 *
 * The lease alone does not keep others out: Redis that comes back with an older state has forgotten it, or that its last
 * holder died, and gives it away a second time. The store forgets nothing. Every holder enters its hand there and then
 * looks: of two at least one sees the other, and waits for as long as the other's calls can go on, since a holder whose
 * lease Redis does not confirm any more begins none. So nobody changes a user beside another holder.
 *
 * A holder that comes after a hand that was never let go of marks the key as indeterminate on every node.
 *
 * @param indeterminate nodes to be marked in any case
 * @returns null when there is no such key
 * @throws {StoreUnavailableError}
 * @throws {LeaseHeldError} when the lease ran out meanwhile
 */
export async function takeUpKey(
  keyId: number,
  indeterminate: readonly string[],
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<TakenKey | null> {
  const found = await ports.store.takeUp(keyId, handEntryOf(lease, indeterminate, ports));
  return found === null ? null : waitForOthers(found, lease, ports);
}

/** {@link takeUpKey} for whoever entered its hand with another write. @param found the key as read after it */
export async function waitForOthers(found: HandledKey, lease: HeldLease, ports: LifecyclePorts): Promise<TakenKey> {
  const others = found.hands.filter((hand) => hand !== lease.token);
  if (others.length === 0) return { key: found, hands: [lease.token] };
  await ports.clock.sleep(LEASE_MS);
  lease.mustLast();
  const marked = { ...handEntryOf(lease, [], ports), indeterminate: nodeNames(ports) };
  const key = (await ports.store.takeUp(found.keyId, marked)) ?? found;
  // A holder that came in while this one waited has seen its hand, and waits in turn.
  return { key, hands: [lease.token, ...others] };
}

/** To be done by a holder that changes nothing: what the lease says of its last holder would be forgotten with it. */
export async function passOnMarks(keyId: number, lease: HeldLease, ports: LifecyclePorts): Promise<void> {
  if (lease.abandonedBy === null) return;
  await ports.store.takeUp(keyId, handEntryOf(lease, [], ports));
  await ports.store.letGo(keyId, [lease.token]);
}

/** How a lease's holder enters itself: in the place of one that never gave the lease back, whose calls are unknown. */
export function handEntryOf(
  { token, abandonedBy }: HeldLease,
  indeterminate: readonly string[],
  ports: LifecyclePorts,
): HandEntry {
  const marks = abandonedBy === null ? indeterminate : nodeNames(ports);
  return { hand: token, inPlaceOf: abandonedBy, indeterminate: marks };
}

function nodeNames({ nodes }: LifecyclePorts): string[] {
  return nodes.map(({ name }) => name);
}
