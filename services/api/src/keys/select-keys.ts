import type { KeyFilterBody, KeyListQuery } from "@veil/http-contract";
import type { Clock, KeySelection } from "@veil/keys";
import type { KeyPage, TrafficReader } from "../ports.ts";
import type { CallerKeys } from "../caller-keys.ts";

/** The keys that a query or a body picks out. */
export function selectionOf(filter: KeyFilterBody): KeySelection {
  return {
    ...(filter.status !== undefined && { status: filter.status }),
    ...(filter.tag !== undefined && { tag: filter.tag }),
    ...(filter.group !== undefined && { group: filter.group }),
    ...(filter.external_id !== undefined && { externalId: filter.external_id }),
    ...(filter.name !== undefined && { name: filter.name }),
    ...(filter.expires_before !== undefined && { expiresBefore: filter.expires_before }),
    ...(filter.expires_after !== undefined && { expiresAfter: filter.expires_after }),
    ...(filter.online !== undefined && { online: filter.online }),
  };
}

export interface SelectKeysPorts {
  readonly keys: CallerKeys;
  readonly traffic: Pick<TrafficReader, "online">;
  readonly clock: Pick<Clock, "now">;
}

/**
 * The part of the list that a query asks for, null when it asks for all of it.
 *
 * @throws {StoreUnavailableError} while the store is unavailable
 */
export async function keyPageOf(
  { limit, after, ...filter }: KeyListQuery,
  { keys, traffic, clock }: SelectKeysPorts,
): Promise<KeyPage | null> {
  const selection = selectionOf(filter);
  const isFiltered = Object.keys(selection).length > 0;
  if (limit === undefined && after === undefined && !isFiltered) return null;
  return {
    ...(limit !== undefined && { limit }),
    ...(after !== undefined && { after }),
    ...(isFiltered && { filter: await keys.filterOf(selection, () => traffic.online(clock.now())) }),
  };
}
