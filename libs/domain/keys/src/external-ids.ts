import { SYSTEM } from "@veil/events";
import { isVisible, type KeyRecord } from "./access-key.ts";
import { expectEvents } from "./events/expect-events.ts";
import { LeaseHeldError } from "./errors.ts";
import type { UnnamedStep } from "./events/key-steps.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease } from "./node-users.ts";
import type { KeyVersion } from "./ports.ts";
import { reportedVersion } from "./reported-version.ts";
import { passOnMarks } from "./take-up-key.ts";

/** An external id and whose it is: each owner has ids of its own, and so have the keys of nobody. */
export interface OwnedExternalId {
  readonly externalId: string;
  /** Null for keys of nobody. */
  readonly owner: string | null;
}

/** What is entered under an external id. */
export interface EnteredKeys {
  /** The key that was entered last, then those that nobody had decided when it was and that may yet turn out to have the id. */
  readonly keyIds: readonly number[];
  /** How often another key was entered in place of the first one. */
  readonly version: number;
}

/** {@link EnteredKeys} that take the place of others. */
export interface KeysToEnter extends EnteredKeys {
  readonly keyIds: readonly [number, ...number[]];
  /** Decides between two of the same version: the fence of the lease of the id under which each was written. */
  readonly fence: number;
}

/**
 * Which key has the external id of a caller: the one that was entered last, or one before it that nobody had decided then and
 * that a late write decides. Their records say which. Every method throws StoreUnavailableError while the store is away.
 */
export interface ExternalIds {
  /**
   * Enters a key under an external id unless there is an entry. To be called under the id's lease.
   *
   * @returns what is entered now
   */
  claim(id: OwnedExternalId, keyId: number): Promise<EnteredKeys>;
  /**
   * Enters another key in place of one that does not have the id. Under the id's lease. Of two entries the later one stands, in
   * whichever order they arrive.
   */
  replace(id: OwnedExternalId, entry: KeysToEnter): Promise<void>;
  /** The keys that may have it, as {@link EnteredKeys} names them; none when no key was ever entered. */
  find(id: OwnedExternalId): Promise<readonly number[]>;
}

type ExternalIdPorts = Pick<LifecyclePorts, "externalIds" | "store">;

/** Of more keys that were given the same id and decided by nobody, the oldest have long been refused. */
const MOST_UNDECIDED = 8;

/** Stands in no owner and in no external id: neither may hold control characters. */
const BETWEEN = "\u001f";

/** The one text under which a store or a lease knows an external id. That of nobody's keys is the id itself. */
export function externalIdEntry({ externalId, owner }: OwnedExternalId): string {
  return owner === null ? externalId : `${owner}${BETWEEN}${externalId}`;
}

/**
 * Gives a key an external id, unless another key that callers see has it. To be called under the id's lease, which has to
 * last until the key says so itself: what dies before leaves an entry of a key that never takes the id, and the next one
 * replaces it.
 *
 * @throws {LeaseHeldError} when the lease ran out, or Redis gave it to somebody else who has entered another key
 * @throws {StoreUnavailableError}
 */
export async function giveExternalId(
  id: OwnedExternalId,
  keyId: number,
  lease: HeldLease,
  ports: LifecyclePorts,
): Promise<"given" | "taken"> {
  const { store, externalIds } = ports;
  const { fence } = lease;
  const { keyIds, version } = await externalIds.claim(id, keyId);
  const undecided: number[] = [];
  for (const other of keyIds) {
    if (other === keyId) continue;
    const held = await store.find(other);
    if (holdsExternalId(held, id)) return "taken";
    if (held === null) undecided.push(other);
    else if (isVisible(held) && holdsExternalId(await outdate(other, ports), id)) return "taken";
  }
  if (keyIds[0] === keyId) return "given";
  lease.mustLast();
  const waiting = undecided.slice(0, MOST_UNDECIDED);
  await externalIds.replace(id, { keyIds: [keyId, ...waiting], version: version + 1, fence });
  const holder = await holderAmong(undecided, id, ports);
  if (holder !== null) {
    // Redis had forgotten the lease of that one, who has come to its decision meanwhile.
    await externalIds.replace(id, { keyIds: [holder.keyId], version: version + 2, fence });
    return "taken";
  }
  const [last] = await externalIds.find(id);
  if (last !== keyId) throw new LeaseHeldError(`external id ${externalIdEntry(id)}`);
  return "given";
}

/** The key that callers find under an external id. @throws {StoreUnavailableError} */
export async function findByExternalId(id: OwnedExternalId, ports: ExternalIdPorts): Promise<KeyRecord | null> {
  return holderAmong(await ports.externalIds.find(id), id, ports);
}

/**
 * Whether a key that is about to be decided may no longer have its external id: another one was entered in its place, or has
 * come to have it. @throws {StoreUnavailableError}
 */
export async function isGivenAway(
  { externalId, owner }: { readonly externalId: string | null; readonly owner: string | null },
  keyId: number,
  ports: ExternalIdPorts,
): Promise<boolean> {
  if (externalId === null) return false;
  const id = { externalId, owner };
  const [entered, ...undecided] = await ports.externalIds.find(id);
  return entered !== keyId || (await holderAmong(undecided, id, ports)) !== null;
}

async function holderAmong(
  keyIds: readonly number[],
  id: OwnedExternalId,
  { store }: ExternalIdPorts,
): Promise<KeyRecord | null> {
  for (const keyId of keyIds) {
    const key = await store.find(keyId);
    if (holdsExternalId(key, id)) return key;
  }
  return null;
}

/**
 * Stores what a key is as a later version: a write that was to give it the id, and that nobody waits for any more, may still be
 * on its way to the store, and now comes to nothing. As every revision this one is reported.
 */
function outdate(keyId: number, ports: LifecyclePorts): Promise<KeyRecord | null> {
  return ports.lease.hold(keyId, async (lease) => {
    const key = await ports.store.find(keyId);
    await passOnMarks(keyId, lease, ports);
    if (key === null || !isVisible(key)) return key;
    const hint = await expectEvents([keyId], ports);
    lease.mustLast();
    const after = await ports.store.change(keyId, laterVersion(key, lease.fence, ports.clock.now()));
    hint.ready();
    return after;
  });
}

function laterVersion(key: KeyRecord, fence: number, now: number): KeyVersion {
  const { revision } = key.terms;
  const step: UnnamedStep = {
    at: Math.floor(now / 1_000),
    actor: SYSTEM,
    was: { terms: { revision } },
    events: [{ type: "key.updated" }],
  };
  return reportedVersion(key, { ...key.terms, revision: revision + 1 }, step, fence).version;
}

/** Whether callers find this key under an external id. */
export function holdsExternalId(key: KeyRecord | null, { externalId, owner }: OwnedExternalId): key is KeyRecord {
  return key !== null && isVisible(key) && key.terms.externalId === externalId && key.owner === owner;
}

/** The result where another key has the external id. */
export function externalIdTaken(externalId: string): { readonly outcome: "taken"; readonly detail: string } {
  return { outcome: "taken", detail: `external_id ${externalId} is taken` };
}

/** The result where nobody knows whether another key has the external id, until somebody has mended its record. */
export function externalIdUnreadable(externalId: string): { readonly outcome: "unavailable"; readonly detail: string } {
  return { outcome: "unavailable", detail: `another key that can't be read was given external_id ${externalId}` };
}
