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
  if (key.phase !== "gone") await clearKey(key, { settle: request.redelivered }, ports);
  return { outcome: "deleted" };
}
