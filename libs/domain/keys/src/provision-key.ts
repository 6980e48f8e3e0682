import { type Actor, SYSTEM } from "@veil/events";
import { type Creation, isVisible, type KeyRecord, type RequestedAttributes, wasCreated } from "./access-key.ts";
import { clearKey } from "./clear-key.ts";
import { expectDecided, expectDue } from "./due-keys.ts";
import { NOTHING_DUE } from "./due-of.ts";
import {
  LeaseHeldError,
  NodeRejectedError,
  NodeUnreachableError,
  NodeIndeterminateError,
  StoreRejectedError,
  StoreUnavailableError,
} from "./errors.ts";
import { expectEvents } from "./events/expect-events.ts";
import { firstSteps } from "./events/key-steps.ts";
import type { Decision } from "./ports.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import { externalIdTaken, externalIdUnreadable, giveExternalId, isGivenAway } from "./external-ids.ts";
import type { HeldLease, NodeUsers } from "./node-users.ts";
import { subscriptionToken } from "./subscription-token.ts";
import { noneActiveDetail, noneTookDetail } from "./no-node-detail.ts";
import { DEADLINE_PASSED, STORE_REFUSES } from "./not-done.ts";
import { isForNone, nodesOfClaim, nodesOfGroups, straysOf } from "./wanted-on.ts";
import { isInService } from "./terms/key-status.ts";
import { beginTerms } from "./terms/begin-terms.ts";
import { DEFAULT_GROUPS, type KeyTerms } from "./terms/key-terms.ts";
import { ANSWERED_AFTER_MS, COMMIT_MARGIN_MS } from "./timing.ts";
import { tryRead } from "./try-read.ts";

export interface ProvisionRequest {
  readonly job: string;
  readonly requested: RequestedAttributes;
  /** Milliseconds since the epoch; the key becomes active before it or never. */
  readonly deadline: number;
  /** True when an earlier delivery of the job may have begun, or may still be at work. */
  readonly redelivered: boolean;
  /** The caller that asks for it; left out for changes that happen by themselves. */
  readonly actor?: Actor;
}

export type ProvisionResult =
  | { readonly outcome: "created"; readonly key: KeyRecord }
  /** No node took the key, but one may later. */
  | { readonly outcome: "unavailable"; readonly detail: string }
  | { readonly outcome: "failed"; readonly detail: string }
  /** Another key has the external id. */
  | { readonly outcome: "taken"; readonly detail: string };

/**
 * Creates a key: claim → user in the nodes → decision. May run twice, also at once.
 *
 * Only the nodes of the key's groups take part; a key whose groups meet no node is made without a user. Otherwise success needs
 * a node that the key's first link leads to; the others get the user by reconciliation. Without success
 * nothing stays behind: the refusal is itself the decision, and what a node may hold is cleared now or by the sweep.
 *
 * @throws {StoreUnavailableError} for another attempt
 */
export async function provisionKey(request: ProvisionRequest, ports: LifecyclePorts): Promise<ProvisionResult> {
  const claim = await claimOnce(request, ports).catch((error: unknown) => {
    // Only another attempt can finish what an earlier delivery began.
    if (error instanceof StoreRejectedError && !request.redelivered) return "refused" as const;
    throw error;
  });
  if (claim === "refused") return { outcome: "unavailable", detail: STORE_REFUSES };
  if (claim === null) return { outcome: "failed", detail: "the request was cancelled" };

  const { creation, redelivered } = claim;
  if (redelivered) {
    const decided = await ports.store.find(creation.keyId);
    if (decided !== null) {
      // The delivery before may have died in the middle of an add.
      if (!isVisible(decided)) await dropUser(decided, nodesOfClaim(creation, ports), ports);
      // Or right after the decision, with a look at the key that came too early.
      else await expectDecided(decided, ports);
      return resultOf(decided);
    }
  }
  const mayHaveBegun = redelivered ? nodesOfClaim(creation, ports) : [];
  if (tooLate(creation, ports)) return refuse(creation, deadlinePassed, mayHaveBegun, ports);
  const { requested, actor = SYSTEM } = request;
  const begun: Begun = { creation, redelivered, actor, terms: beginTerms(requested.terms, creation.createdAt, ports) };
  const { externalId } = begun.terms;
  if (externalId === null) return decideOn(begun, null, ports);
  const id = { externalId, owner: creation.owner };
  while (true) {
    try {
      return await ports.lease.holdExternalId(id, async (lease) => {
        const end = await tryRead(() => giveExternalId(id, creation.keyId, lease, ports));
        if (end === "given") return decideOn(begun, lease, ports);
        // It would be as unreadable at each delivery, and all others of its job would fail with it.
        const result = end === "taken" ? externalIdTaken(externalId) : externalIdUnreadable(externalId);
        return refuse(creation, result, mayHaveBegun, ports);
      });
    } catch (error) {
      if (!(error instanceof LeaseHeldError)) throw error;
      if (tooLate(creation, ports)) return refuse(creation, deadlinePassed, nodesOfClaim(creation, ports), ports);
    }
  }
}

interface Begun extends Claim {
  readonly actor: Actor;
  readonly terms: KeyTerms;
}

/** @param lease that of the key's external id, under which the decision has to fall; null for a key that has none */
async function decideOn(
  { creation, redelivered, actor, terms }: Begun,
  lease: HeldLease | null,
  ports: LifecyclePorts,
): Promise<ProvisionResult> {
  const isUsable = isInService(terms, ports.clock.now());
  const nodes = nodesOfGroups(terms.groups, ports);
  const linked = ports.linkedNodes({ keyId: creation.keyId, groups: terms.groups });
  const outbox = firstSteps(creation.keyId, { actor, at: Math.floor(ports.clock.now() / 1_000) });
  const [attempts, , hint] = await Promise.all([
    isUsable ? tryNodes(creation, nodes, linked) : [],
    expectDue(creation.keyId, terms, ports),
    expectEvents([creation.keyId], ports),
  ]);
  const indeterminate = redelivered
    ? nodesOfClaim(creation, ports)
    : nodesWith(["disturbed", "indeterminate"], attempts);
  const took = nodesWith(holding, attempts);
  const needsNode = isUsable && linked !== null && !isForNone(nodes, ports);
  if (needsNode && !took.some((node) => linked.includes(node))) {
    return refuse(
      creation,
      failureResult(attempts, linked, terms, ports),
      [...new Set([...took, ...indeterminate])],
      ports,
    );
  }
  if (tooLate(creation, ports)) return refuse(creation, deadlinePassed, nodesOfClaim(creation, ports), ports);

  lease?.mustLast();
  // Redis may have forgotten the lease, and given it to somebody else who found this key undecided.
  const id = { externalId: terms.externalId, owner: creation.owner };
  const isAway = lease !== null && (await tryRead(() => isGivenAway(id, creation.keyId, ports)));
  if (isAway !== false) return refuse(creation, GIVEN_AWAY, [...new Set([...took, ...indeterminate])], ports);
  const begins = { token: subscriptionToken(creation.keyId, ports.newTokenSeed()), terms, outbox };
  const decided = await activate({ ...creation, begins }, indeterminate, ports);
  hint.ready();
  const strays = straysOf(decided, took, ports);
  if (!isVisible(decided)) await dropUser(decided, [...took, ...indeterminate], ports);
  else if (strays.length > 0) await dropUser(decided, strays, ports);
  else await expectDecided(decided, ports);
  return resultOf(decided);
}

const GIVEN_AWAY = { outcome: "unavailable", detail: "another key was given its external_id meanwhile" } as const;

const deadlinePassed = { outcome: "unavailable", detail: DEADLINE_PASSED } as const;

interface Claim {
  readonly creation: Creation;
  /** Also when the claim shows what the queue does not know (any more): that another delivery has begun. */
  readonly redelivered: boolean;
}

/** The request itself says whose key it is: a claim of a worker that knew no owners does not. */
async function claimOnce(request: ProvisionRequest, ports: LifecyclePorts): Promise<Claim | null> {
  if (request.redelivered) {
    const claimed = await ports.store.findCreation(request.job);
    if (claimed !== null) return { creation: { ...claimed, owner: request.requested.owner }, redelivered: true };
  }
  const uuid = ports.newUuid();
  const { name, owner, terms } = request.requested;
  const createdAt = Math.floor(ports.clock.now() / 1_000);
  // An inbound that is rebuilt gets the users of claims: a key that begins out of service must not be among them.
  const isUsable = isInService(beginTerms(terms, createdAt, ports), ports.clock.now());
  const creation = await ports.store.claim({
    ...{ name, owner, uuid, createdAt },
    groups: isUsable ? (terms.groups ?? DEFAULT_GROUPS) : [],
    job: request.job,
    flow: ports.newFlow,
    deadline: request.deadline,
  });
  if (creation === null) return null;
  return { creation: { ...creation, owner }, redelivered: request.redelivered || creation.uuid !== uuid };
}

interface AddAttempt {
  readonly node: string;
  /**
   * `disturbed`: it holds the user, whom another delivery added and may still be at; `unreachable`: surely not added;
   * `indeterminate`: perhaps, perhaps later; `rejected`: never.
   */
  readonly end: "took" | "disturbed" | "unreachable" | "indeterminate" | "rejected";
}

const holding = ["took", "disturbed"] as const;

/** While no node that the link leads to answers those come first: without them nothing is begun that would have to be undone. */
async function tryNodes(
  creation: Creation,
  nodes: readonly NodeUsers[],
  linkedNodes: readonly string[] | null,
): Promise<AddAttempt[]> {
  const tryAll = (some: readonly NodeUsers[]) => Promise.all(some.map((node) => tryAdd(node, creation)));
  const linked = nodes.filter(({ name }) => linkedNodes?.includes(name));
  if (linkedNodes === null || linked.some(({ reachable }) => reachable)) return tryAll(nodes);
  const attempts = await tryAll(linked);
  if (nodesWith(holding, attempts).length === 0) return attempts;
  return [...attempts, ...(await tryAll(nodes.filter((node) => !linked.includes(node))))];
}

async function tryAdd(node: NodeUsers, creation: Creation): Promise<AddAttempt> {
  try {
    return { node: node.name, end: (await node.add(creation)) === "added" ? "took" : "disturbed" };
  } catch (error) {
    if (error instanceof NodeUnreachableError) return { node: node.name, end: "unreachable" };
    if (error instanceof NodeIndeterminateError) return { node: node.name, end: "indeterminate" };
    if (error instanceof NodeRejectedError) return { node: node.name, end: "rejected" };
    throw error;
  }
}

function nodesWith(ends: readonly AddAttempt["end"][], attempts: readonly AddAttempt[]): string[] {
  return attempts.filter(({ end }) => ends.includes(end)).map(({ node }) => node);
}

function failureResult(
  attempts: readonly AddAttempt[],
  linked: readonly string[],
  { groups }: KeyTerms,
  ports: LifecyclePorts,
): Exclude<ProvisionResult, { outcome: "created" }> {
  if (linked.length === 0) return { outcome: "unavailable", detail: noneActiveDetail(ports.idleStates(groups)) };
  const needed = attempts.filter(({ node }) => linked.includes(node));
  if (needed.length > 0 && needed.every(({ end }) => end === "rejected"))
    return { outcome: "failed", detail: "Xray refused the key" };
  return { outcome: "unavailable", detail: noneTookDetail(attempts.map(({ end }) => end)) };
}

async function refuse(
  creation: Creation,
  result: ProvisionResult,
  indeterminate: readonly string[],
  ports: LifecyclePorts,
): Promise<ProvisionResult> {
  const phase = indeterminate.length === 0 ? "gone" : "deleting";
  const clear = ports.nodes.map(({ name }) => name).filter((node) => !indeterminate.includes(node));
  const decided = await ports.store.decide({ ...creation, phase, indeterminate, clear });
  if (!isVisible(decided)) {
    if (indeterminate.length > 0) await dropUser(decided, indeterminate, ports);
    else await ports.due.replace(creation.keyId, NOTHING_DUE);
  }
  return wasCreated(decided) ? resultOf(decided) : result;
}

const DECIDE_AGAIN_MS = 100;

/**
 * Decides a key as active, or against it once its deadline is near.
 *
 * A decision whose reply is lost may still land, and past the deadline the creator may have had the answer that there is no
 * key. So it is repeated here until one stands, not by another delivery: with Redis away that would come too late.
 */
async function activate(
  creation: Creation & Pick<Decision, "begins">,
  indeterminate: readonly string[],
  ports: LifecyclePorts,
): Promise<KeyRecord> {
  while (true) {
    const decision = tooLate(creation, ports)
      ? ({ phase: "deleting", indeterminate: nodesOfClaim(creation, ports) } as const)
      : ({ phase: "active", indeterminate } as const);
    try {
      return await ports.store.decide({ ...creation, ...decision });
    } catch (error) {
      const isOver = ports.clock.now() > creation.deadline + ANSWERED_AFTER_MS;
      if (isOver || !(error instanceof StoreUnavailableError)) throw error;
      await ports.clock.sleep(DECIDE_AGAIN_MS);
    }
  }
}

/**
 * Takes out a user that a delivery added, or may have added, to nodes although the key is no longer wanted. The key's
 * deletion may have come through the middle of such an add, so the nodes are marked, whoever is at the key right now.
 */
async function dropUser(decided: KeyRecord, added: readonly string[], ports: LifecyclePorts): Promise<void> {
  if ((await clearKey(decided, added, ports)) !== "held") return;
  for (const node of added) await ports.store.markIndeterminate(decided.keyId, node);
}

function resultOf(decided: KeyRecord): ProvisionResult {
  if (wasCreated(decided)) return { outcome: "created", key: decided };
  return { outcome: "failed", detail: "the request was cancelled" };
}

function tooLate(creation: Creation, ports: LifecyclePorts): boolean {
  return ports.clock.now() > creation.deadline - COMMIT_MARGIN_MS;
}
