import { isVisible, type KeyRecord } from "./access-key.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease } from "./node-users.ts";

/**
 * Gives a key an external id, unless another key that callers see has it. To be called under the id's lease, which has to
 * last until the key says so itself: what dies before leaves an entry of a key that never takes the id, and the next one
 * replaces it.
 *
 * @throws {LeaseHeldError} when the lease ran out
 * @throws {StoreUnavailableError}
 */
export async function giveExternalId(
  externalId: string,
  keyId: number,
  lease: HeldLease,
  { store, externalIds }: Pick<LifecyclePorts, "store" | "externalIds">,
): Promise<"given" | "taken"> {
  const holder = await externalIds.claim(externalId, keyId);
  if (holder === keyId) return "given";
  if (holdsExternalId(await store.find(holder), externalId)) return "taken";
  lease.mustLast();
  await externalIds.replace(externalId, keyId);
  return "given";
}

/** Whether callers find this key under an external id. */
export function holdsExternalId(key: KeyRecord | null, externalId: string): key is KeyRecord {
  return key !== null && isVisible(key) && key.terms.externalId === externalId;
}

/** What is said when another key has an external id. */
export function externalIdTaken(externalId: string): { readonly outcome: "taken"; readonly detail: string } {
  return { outcome: "taken", detail: `external_id ${externalId} is taken` };
}
