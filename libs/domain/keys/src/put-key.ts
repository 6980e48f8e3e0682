import type { Actor } from "@veil/events";
import type { RequestedAttributes } from "./access-key.ts";
import { type ChangeResult, changeKey } from "./change-key.ts";
import { externalIdUnreadable, findByExternalId } from "./external-ids.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import { type ProvisionResult, provisionKey } from "./provision-key.ts";
import { isMadeBy } from "./remembered-changes.ts";
import { tryRead } from "./try-read.ts";

export interface PutRequest {
  readonly externalId: string;
  /** Id of the job. */
  readonly job: string;
  /** Milliseconds since the epoch; nothing is made or changed after it. */
  readonly deadline: number;
  readonly redelivered: boolean;
  /** The attributes that the owner's key is to have; those that are left out stay, where the key is there already. */
  readonly requested: Partial<RequestedAttributes> & Pick<RequestedAttributes, "owner">;
  /** The revision of the key that the caller has seen; `any` where it only has to be there, left out where it may be made. */
  readonly ifRevision?: number | "any";
  /** The caller that asks for it. */
  readonly actor?: Actor;
}

export type PutResult =
  | Extract<ProvisionResult, { outcome: "created" }>
  | ChangeResult
  | Exclude<ProvisionResult, { outcome: "created" | "taken" }>;

/**
 * Makes the key that has an external id, or changes what is named of the one that has it already. Of several at once one
 * makes the key, and the others change it. May run twice.
 *
 * @throws {StoreUnavailableError | LeaseHeldError} for another attempt
 */
export async function putKey(request: PutRequest, ports: LifecyclePorts): Promise<PutResult> {
  const { externalId, job, deadline, redelivered, requested, actor, ifRevision } = request;
  const asker = actor === undefined ? {} : { actor };
  const { name, owner, terms = {} } = requested;
  const id = { externalId, owner };
  const absent = ifRevision === undefined ? null : ({ outcome: "outdated" } as const);
  const change = async (): Promise<PutResult | null> => {
    const key = await tryRead(() => findByExternalId(id, ports));
    if (key === "unreadable") return externalIdUnreadable(externalId);
    // A job does not change the key that it has made itself, and neither does another attempt of its write.
    if (key === null) return absent;
    if (isMadeBy(key, job, ports.clock.now())) return key.job === job ? null : { outcome: "created", key };
    const asked = {
      keyId: key.keyId,
      owner,
      job,
      deadline,
      redelivered,
      ...asker,
      change: { set: terms, ...(name !== undefined && { name }) },
    };
    const seen = typeof ifRevision === "number" ? ifRevision : null;
    const result = await changeKey({ ...asked, ifRevision: seen }, ports);
    return result.outcome === "not-found" ? absent : result;
  };
  const changed = await change();
  if (changed !== null) return changed;
  const made = await provisionKey(
    { job, deadline, redelivered, ...asker, requested: { name: name ?? null, owner, terms: { ...terms, externalId } } },
    ports,
  );
  if (made.outcome !== "taken") return made;
  return (await change()) ?? { outcome: "unavailable", detail: "the key was deleted meanwhile" };
}
