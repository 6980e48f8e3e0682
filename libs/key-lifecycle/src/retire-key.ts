import type { KeyRecord } from "./access-key.ts";
import { clearKey } from "./clear-key.ts";
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
 * @throws StoreUnavailableError for another attempt
 */
export async function retireKey(request: RetireRequest, ports: LifecyclePorts): Promise<RetireResult> {
  const found = await ports.store.find(request.keyId);
  if (found === null) return { outcome: "not-found" };
  if (found.phase === "active" && ports.clock.now() > request.deadline) {
    return { outcome: "failed", detail: "the deadline has passed" };
  }
  const key = found.phase === "active" ? await ports.store.beginDeletion(request.keyId, request.job) : found;
  if (key === null || key.deleter !== request.job) return { outcome: "not-found" };
  if (key.phase !== "gone") await clearInTime(key, request, ports);
  return { outcome: "deleted" };
}

const mostAttempts = 3;

/** A sweep or a pass that came first holds the key for a moment; "deleted" is not said while it may still have to act. */
async function clearInTime(key: KeyRecord, request: RetireRequest, ports: LifecyclePorts): Promise<void> {
  for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
    const end = await clearKey(key, { settle: request.redelivered }, ports);
    if (end !== "held" || ports.clock.now() > request.deadline) return;
  }
}
