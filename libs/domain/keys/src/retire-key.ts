import { type Actor, SYSTEM } from "@veil/events";
import { isVisible, type KeyRecord, wasCreated } from "./access-key.ts";
import { clearHeld, clearKey } from "./clear-key.ts";
import { LeaseHeldError, StoreRejectedError } from "./errors.ts";
import { subjectOf } from "./events/expect-events.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease } from "./node-users.ts";
import { sees, type Viewer } from "./owners.ts";
import { orStored } from "./or-stored.ts";
import { handEntryOf, passOnMarks, waitForOthers } from "./take-up-key.ts";
import { STORE_REFUSES, TOO_LATE } from "./not-done.ts";

export interface RetireRequest extends Viewer {
  readonly keyId: number;
  /** Id of the delete job: of two that race, the key remembers one. */
  readonly job: string;
  /** Milliseconds since the epoch; a deletion is not begun after it. */
  readonly deadline: number;
  readonly redelivered: boolean;
  /** The caller that asks for it; left out for changes that happen by themselves. */
  readonly actor?: Actor;
  /** Says of the key as it is under the lease whether it is still to go; left out when it is in any case. */
  readonly onlyIf?: (key: KeyRecord) => boolean;
}

export type RetireResult =
  | { readonly outcome: "deleted" }
  | { readonly outcome: "not-found" }
  | { readonly outcome: "unavailable"; readonly detail: string }
  | { readonly outcome: "failed"; readonly detail: string };

/**
 * Deletes a key: the intent becomes durable and hides the key, then every reachable node drops its user. Both happen under
 * the key's lease, so that what the one reads is still true for the other.
 *
 * A node that is away drops it when it is back. May run twice.
 *
 * @throws {StoreUnavailableError} for another attempt
 * @throws {LeaseHeldError} when others kept the key past the deadline, for another attempt
 * @throws {UnreadableRecordError} when the key's record makes no sense, or takes no change: nothing was done
 */
export function retireKey(request: RetireRequest, ports: LifecyclePorts): Promise<RetireResult> {
  const { keyId, job } = request;
  const isBegun = (key: KeyRecord) => key.phase === "deleting" && resultOf(key, job).outcome === "deleted";
  return orStored(keyId, isBegun, () => retire(request, ports), ports);
}

async function retire(request: RetireRequest, ports: LifecyclePorts): Promise<RetireResult> {
  while (true) {
    if (isLate(request, ports)) return finishLate(request, ports);
    try {
      const result = await ports.lease.hold(request.keyId, (lease) => retireHeld(request, lease, ports));
      if (result !== null) return result;
    } catch (error) {
      if (error instanceof BeginRefusedError) return { outcome: "unavailable", detail: STORE_REFUSES };
      // A sweep or a pass that came first holds the key for a moment, a holder that died for some seconds.
      if (!(error instanceof LeaseHeldError)) throw error;
    }
  }
}

/** @returns null when the lease came too late to begin */
async function retireHeld(
  request: RetireRequest,
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<RetireResult | null> {
  const { keyId, job, redelivered, actor = SYSTEM } = request;
  if (isLate(request, ports)) {
    await passOnMarks(keyId, lease, ports);
    return null;
  }
  if (!(await mayGo(request, ports))) {
    await passOnMarks(keyId, lease, ports);
    return { outcome: "not-found" };
  }
  const entry = handEntryOf(lease, [], ports);
  const hint = await ports.hints.expect(subjectOf(keyId));
  const stamp = { actor, at: Math.floor(ports.clock.now() / 1_000) };
  const key = await ports.store.beginDeletion(keyId, job, entry, stamp).catch((error: unknown) => {
    // Only another attempt can finish what an earlier delivery began.
    throw error instanceof StoreRejectedError && !redelivered ? new BeginRefusedError(error) : error;
  });
  hint.ready();
  const result = resultOf(key, job);
  if (key?.phase === "deleting" && result.outcome === "deleted") {
    await clearHeld(await waitForOthers(key, lease, ports), lease, ports);
  } else if (key !== null) {
    await ports.store.letGo(keyId, [lease.token]);
  }
  return result;
}

/** Whether the key is one that the caller sees, and still to go. A caller who sees all keys costs no look. */
async function mayGo(request: RetireRequest, ports: LifecyclePorts): Promise<boolean> {
  const { keyId, owner, onlyIf = () => true } = request;
  if (owner === null && request.onlyIf === undefined) return true;
  const key = await ports.store.find(keyId);
  return key !== null && sees(request, key) && onlyIf(key);
}

/** Thrown when the store refused the first write of a deletion: nothing was begun. */
class BeginRefusedError extends Error {
  override readonly name = "BeginRefusedError";

  constructor(cause: unknown) {
    super("the deletion could not be begun", { cause });
  }
}

/** A deletion that this job began before is finished; none is begun. @throws {LeaseHeldError} */
async function finishLate(request: RetireRequest, ports: LifecyclePorts): Promise<RetireResult> {
  const { keyId, job } = request;
  const key = await ports.store.find(keyId);
  if (key !== null && !sees(request, key)) return { outcome: "not-found" };
  const result = resultOf(key, job);
  // "Deleted" is not said while somebody may still have to act.
  if (key?.phase === "deleting" && result.outcome === "deleted") {
    const end = await clearKey(key, [], ports);
    if (end === "held") throw new LeaseHeldError(`key ${keyId}`);
  }
  return result;
}

function resultOf(key: KeyRecord | null, job: string): RetireResult {
  if (key === null) return { outcome: "not-found" };
  if (isVisible(key)) return TOO_LATE;
  // A creation that was refused leaves a key that nobody ever received.
  if (key.deleter !== job || !wasCreated(key)) return { outcome: "not-found" };
  return { outcome: "deleted" };
}

function isLate({ deadline }: RetireRequest, { clock }: LifecyclePorts): boolean {
  return clock.now() > deadline;
}
