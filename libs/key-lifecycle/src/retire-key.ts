import { type KeyRecord, wasCreated } from "./access-key.ts";
import { clearKey } from "./clear-key.ts";
import { LeaseHeldError } from "./errors.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";

export interface RetireRequest {
  readonly keyId: number;
  /** Id of the delete job: of two that race, the key remembers one. */
  readonly job: string;
  /** Milliseconds since the epoch; a deletion is not begun after it. */
  readonly deadline: number;
  readonly redelivered: boolean;
}

export type RetireResult =
  | { readonly outcome: "deleted" }
  | { readonly outcome: "not-found" }
  | { readonly outcome: "failed"; readonly detail: string };

/**
 * Deletes a key: the intent becomes durable and hides the key, then every reachable node drops its user.
 *
 * A node that is away drops it when it is back. May run twice.
 *
 * @throws StoreUnavailableError, or LeaseHeldError when others kept the key past the deadline, for another attempt
 */
export async function retireKey(request: RetireRequest, ports: LifecyclePorts): Promise<RetireResult> {
  const { keyId, job } = request;
  const isLate = ports.clock.now() > request.deadline;
  const key = isLate ? await ports.store.find(keyId) : await ports.store.beginDeletion(keyId, job);
  if (key === null) return { outcome: "not-found" };
  if (key.phase === "active") return { outcome: "failed", detail: "the deadline has passed" };
  // A creation that was refused leaves a key that nobody was ever told of.
  if (key.deleter !== job || !wasCreated(key)) return { outcome: "not-found" };
  if (key.phase !== "gone") await clearInTime(key, request, ports);
  return { outcome: "deleted" };
}

/**
 * A sweep or a pass that came first holds the key for a moment, a holder that died for some seconds: "deleted" is not said
 * while somebody may still have to act.
 *
 * @throws LeaseHeldError
 */
async function clearInTime(key: KeyRecord, request: RetireRequest, ports: LifecyclePorts): Promise<void> {
  while ((await clearKey(key, { settle: request.redelivered }, ports)) === "held") {
    if (ports.clock.now() > request.deadline) throw new LeaseHeldError(`key ${key.keyId}`);
  }
}
