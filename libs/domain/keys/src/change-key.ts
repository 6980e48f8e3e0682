import { isVisible, isWanted, type KeyRecord } from "./access-key.ts";
import { convergeHeld } from "./converge-key.ts";
import { type Actor, SYSTEM } from "@veil/events";
import { LeaseHeldError, UnreadableRecordError } from "./errors.ts";
import { expectEvents } from "./events/expect-events.ts";
import { namedSteps } from "./events/key-steps.ts";
import { callersStep, dueStep } from "./events/steps-of-change.ts";
import { externalIdTaken, externalIdUnreadable, giveExternalId } from "./external-ids.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { HeldLease } from "./node-users.ts";
import { TOO_LATE } from "./not-done.ts";
import { sees, type Viewer } from "./owners.ts";
import type { KeyVersion } from "./ports.ts";
import { subscriptionToken } from "./subscription-token.ts";
import { ChangeRefusedError, changeTerms, applyDue, type TermsChange } from "./terms/change-terms.ts";
import { termsAt } from "./terms/key-status.ts";
import { contextOf } from "./change-context.ts";
import { expectDue, replaceDue } from "./due-keys.ts";
import { handEntryOf, passOnMarks, type TakenKey, takeUpKey, waitForOthers } from "./take-up-key.ts";
import { hasChangeOf, repeatableChanges, withChange } from "./remembered-changes.ts";
import { orStored } from "./or-stored.ts";
import { tryRead } from "./try-read.ts";

/** One change of a key; it happens as a whole or not at all. */
export interface KeyChange extends TermsChange {
  /** Left out where the name stays. */
  readonly name?: string | null;
  /** A new subscription token. */
  readonly revokeLink?: boolean;
  /** A new uuid; the old one is shut in every node. */
  readonly revokeCredentials?: boolean;
  /** The caller has reset the ledger before: that counts for the terms, and is reported. */
  readonly hasLedgerReset?: boolean;
}

export interface ChangeRequest extends Viewer {
  readonly keyId: number;
  /** Id of the job: a change that has its id is not made twice. */
  readonly job: string;
  /** Milliseconds since the epoch; nothing is changed after it. Null when it may come at any time, for another attempt. */
  readonly deadline: number | null;
  readonly redelivered: boolean;
  readonly change: KeyChange;
  /** The caller that asks for it; left out for changes that happen by themselves. */
  readonly actor?: Actor;
  /** The revision that the caller has seen; null for any. */
  readonly ifRevision: number | null;
}

export type ChangeResult =
  | { readonly outcome: "changed"; readonly key: KeyRecord; readonly isChanged: boolean }
  | { readonly outcome: "not-found" }
  /** The key has another revision than the caller has seen. */
  | { readonly outcome: "outdated" }
  /** It makes no sense for the key as it is. */
  | { readonly outcome: "refused"; readonly detail: string }
  | { readonly outcome: "taken"; readonly detail: string }
  | UnfollowedChange;

/** A change that was not made, that no node has followed, or of which nobody knows who is at the key. */
interface UnfollowedChange {
  readonly outcome: "unavailable" | "failed";
  readonly detail: string;
  /** Whether it stands all the same: nodes follow when they can. */
  readonly isStored: boolean;
}

/**
 * Changes a key by one write to its document, then makes every node in reach follow. May run twice, also at once.
 *
 * What the key has moved matters only for a change that begins a count: where it can't be read all others are made.
 *
 * @throws {StoreUnavailableError} for another attempt
 * @throws {LeaseHeldError} when others kept the key past the deadline, or for long where there is none, for another attempt
 * @throws {UnreadableRecordError} when the key's record makes no sense, or takes no change: nothing was done
 */
export async function changeKey(request: ChangeRequest, ports: LifecyclePorts): Promise<ChangeResult> {
  const { keyId, job } = request;
  const change = () => ports.lease.hold(keyId, (lease) => changeHeld(request, lease, ports));
  while (true) {
    try {
      return await orStored(keyId, (key) => hasChangeOf(key, job, ports.clock.now()), change, ports);
    } catch (error) {
      if (!(error instanceof LeaseHeldError) || request.deadline === null || isLate(request, ports)) throw error;
    }
  }
}

async function changeHeld(request: ChangeRequest, lease: HeldLease, ports: LifecyclePorts): Promise<ChangeResult> {
  const { keyId, job, ifRevision } = request;
  const end = async (result: ChangeResult): Promise<ChangeResult> => {
    await passOnMarks(keyId, lease, ports);
    return result;
  };
  const before = await ports.store.find(keyId);
  if (before === null || !isVisible(before) || !sees(request, before)) return end({ outcome: "not-found" });
  // An attempt before may have been answered as not done because no node could follow: what it changed stands.
  if (hasChangeOf(before, job, ports.clock.now())) {
    const taken = await takeUpKey(keyId, nodeNames(ports), lease, ports);
    return taken === null ? { outcome: "not-found" } : followed(taken, lease, ports);
  }
  if (isLate(request, ports)) return end({ ...TOO_LATE, isStored: false });
  if (ifRevision !== null && termsAt(before.terms, ports.clock.now()).revision !== ifRevision) {
    return end({ outcome: "outdated" });
  }
  let change: VersionChange | null;
  try {
    change = await versionAfter(before, request, lease, ports);
  } catch (error) {
    if (error instanceof UnreadableRecordError)
      return end({ outcome: "failed", detail: error.message, isStored: false });
    if (!(error instanceof ChangeRefusedError)) throw error;
    return end({ outcome: "refused", detail: error.message });
  }
  if (change === null) return end({ outcome: "changed", key: before, isChanged: false });
  const { externalId } = change.version.terms;
  const begun = { ...change, request, before };
  if (externalId === null || externalId === before.terms.externalId) return storeVersion(begun, [lease], ports);
  const id = { externalId, owner: before.owner };
  return ports.lease.holdExternalId(id, async (held) => {
    const given = await tryRead(() => giveExternalId(id, keyId, held, ports));
    if (given === "given") return storeVersion(begun, [lease, held], ports);
    return end(
      given === "taken" ? externalIdTaken(externalId) : { ...externalIdUnreadable(externalId), isStored: false },
    );
  });
}

interface VersionChange {
  readonly version: KeyVersion;
  /** False when nothing but what was due anyway is different. */
  readonly isChanged: boolean;
}

interface BegunChange extends VersionChange {
  readonly request: ChangeRequest;
  readonly before: KeyRecord;
}

/** @param leases the key's, and that of the external id which it gets; all of them have to last until it is stored */
async function storeVersion(
  { version, isChanged, request, before }: BegunChange,
  leases: readonly [HeldLease, ...HeldLease[]],
  ports: LifecyclePorts,
): Promise<ChangeResult> {
  const { keyId, job } = request;
  const [lease] = leases;
  const steps = version.outbox.filter((step) => !before.outbox.includes(step));
  const [hint] = await Promise.all([
    expectEvents(steps.length > 0 ? [keyId] : [], ports),
    expectDue(keyId, version.terms, ports),
  ]);
  const now = ports.clock.now();
  const isMoved = JSON.stringify(before.terms.groups) !== JSON.stringify(version.terms.groups);
  const isSeenByNodes =
    !haveItsUser(before, now, lease) ||
    !isWanted({ ...before, ...version }, now) ||
    before.uuid !== version.uuid ||
    isMoved;
  for (const held of leases) held.mustLast();
  const entry = isSeenByNodes ? handEntryOf(lease, [], ports) : undefined;
  const after = await ports.store.change(keyId, version, entry);
  hint.ready();
  if (after === null || !isVisible(after)) return { outcome: "not-found" };
  if (!repeatableChanges(after, ports.clock.now()).includes(job)) throw new LeaseHeldError(`key ${keyId}`);
  if (isSeenByNodes) {
    const taken = await waitForOthers(after, lease, ports);
    const result = await followed(taken, lease, ports, before.terms.groups);
    return result.outcome === "changed" ? { ...result, isChanged } : result;
  }
  await passOnMarks(keyId, lease, ports);
  await replaceDue({ ...after, at: now }, lease, ports);
  return { outcome: "changed", key: after, isChanged };
}

/**
 * Whether the nodes surely hold the user already. One that is out of service may still be there, one that a due reset brings
 * back may be missing, and so may any whose last holder died: a change that comes before the next look at what is due has to
 * do what that look would do.
 */
function haveItsUser(key: KeyRecord, now: number, { abandonedBy }: HeldLease): boolean {
  return isWanted(key, now) && key.terms.limitedAt === null && abandonedBy === null;
}

function nodeNames({ nodes }: LifecyclePorts): string[] {
  return nodes.map(({ name }) => name);
}

/** @returns null when nothing would be different @throws {ChangeRefusedError} @throws {UnreadableRecordError} as {@link changeTerms} does */
async function versionAfter(
  before: KeyRecord,
  { keyId, job, change, actor = SYSTEM }: ChangeRequest,
  { fence }: HeldLease,
  ports: LifecyclePorts,
): Promise<VersionChange | null> {
  const { name, revokeLink = false, revokeCredentials = false, hasLedgerReset = false, ...ofTerms } = change;
  const context = await contextOf(before, hasLedgerReset ? { resetTraffic: true } : ofTerms, ports);
  const isRenamed = name !== undefined && name !== before.name;
  const current = applyDue(before.terms, context);
  const isRevoked = revokeLink || revokeCredentials;
  // In the second of the one before a reset leaves everything as it was, and was asked for all the same.
  const isReset = hasLedgerReset || ofTerms.resetTraffic === true;
  const terms = changeTerms(current, ofTerms, context, isRenamed || isRevoked || isReset);
  if (terms === before.terms) return null;
  const acts = {
    resetTraffic: isReset,
    revoked: isRevoked ? { link: revokeLink, credentials: revokeCredentials } : null,
  };
  const after = { name: name === undefined ? before.name : name, terms };
  const [at, due] = [Math.floor(context.now / 1_000), { name: before.name, terms: current }];
  const steps = [
    dueStep(before, due, at),
    ...(terms === current ? [] : [callersStep(due, after, acts, { actor, at })]),
  ];
  const version = {
    fence,
    ...after,
    uuid: revokeCredentials ? ports.newUuid() : before.uuid,
    token: revokeLink ? subscriptionToken(before.keyId, ports.newTokenSeed()) : before.token,
    ...withChange(before, job, context.now),
    outbox: [...before.outbox, ...namedSteps(steps, { keyId, revision: terms.revision, fence })],
  };
  return { version, isChanged: terms !== current };
}

/** Makes the nodes follow, and says what became of the change. @param before the groups that the key was in before it */
async function followed(
  taken: TakenKey,
  lease: HeldLease,
  ports: LifecyclePorts,
  before: readonly string[] = [],
): Promise<ChangeResult> {
  const { key } = taken;
  if (!isVisible(key)) {
    await ports.store.letGo(key.keyId, taken.hands);
    return { outcome: "not-found" };
  }
  const at = ports.clock.now();
  const end = await convergeHeld(taken, lease, ports, [...key.terms.groups, ...before]);
  await replaceDue({ ...key, at }, lease, ports);
  return end.outcome === "followed" ? { outcome: "changed", key, isChanged: true } : { ...end, isStored: true };
}

function isLate({ deadline }: ChangeRequest, { clock }: LifecyclePorts): boolean {
  return deadline !== null && clock.now() > deadline;
}
