import { type Creation, isWanted, type KeyRecord, type RequestedAttributes, wasCreated } from "./access-key.ts";
import { clearKey, removeOrphan } from "./clear-key.ts";
import { NodeRejectedError, NodeUnreachableError, NodeIndeterminateError, StoreUnavailableError } from "./errors.ts";
import type { KeyStore } from "./ports.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { NodeUsers } from "./node-users.ts";
import { ANSWERED_AFTER_MS, COMMIT_MARGIN_MS } from "./timing.ts";

export interface ProvisionRequest {
  readonly job: string;
  readonly requested: RequestedAttributes;
  /** Milliseconds since the epoch; the key becomes active before it or never. */
  readonly deadline: number;
  /** True when an earlier delivery of the job may have begun, or may still be at work. */
  readonly redelivered: boolean;
}

export type ProvisionResult =
  | { readonly outcome: "created"; readonly key: KeyRecord }
  /** No node took the key, but one may later. */
  | { readonly outcome: "unavailable"; readonly detail: string }
  | { readonly outcome: "failed"; readonly detail: string };

/**
 * Creates a key: claim → user in the nodes → decision. May run twice, also at once.
 *
 * Success needs one node; the others get the user by reconciliation. Without success nothing stays behind:
 * the refusal is itself the decision, and what an indeterminate node may hold is cleared now or by the sweep.
 *
 * @throws {StoreUnavailableError} for another attempt
 */
export async function provisionKey(request: ProvisionRequest, ports: LifecyclePorts): Promise<ProvisionResult> {
  const claim = await claimOnce(request, ports);
  if (claim === null) return { outcome: "failed", detail: "the request was cancelled" };

  const { creation, redelivered } = claim;
  if (redelivered) {
    const decided = await ports.store.find(creation.keyId);
    if (decided !== null) return resultOf(decided);
  }
  const mayHaveBegun = redelivered ? everyNode(ports) : [];
  if (tooLate(creation, ports)) return refuse(creation, deadlinePassed, mayHaveBegun, ports);

  const attempts = await Promise.all(ports.nodes.map((node) => tryAdd(node, creation)));
  const indeterminate = redelivered ? everyNode(ports) : nodesWith("indeterminate", attempts);
  if (nodesWith("took", attempts).length === 0) return refuse(creation, failureResult(attempts), indeterminate, ports);
  if (tooLate(creation, ports)) return refuse(creation, deadlinePassed, everyNode(ports), ports);

  const decided = await activate(creation, indeterminate, ports);
  if (!isWanted(decided)) await dropUser(decided, ports);
  return resultOf(decided);
}

const deadlinePassed = { outcome: "unavailable", detail: "the deadline has passed" } as const;

interface Claim {
  readonly creation: Creation;
  /** Also when the claim shows what the queue does not know (any more): that another delivery has begun. */
  readonly redelivered: boolean;
}

async function claimOnce(request: ProvisionRequest, ports: LifecyclePorts): Promise<Claim | null> {
  if (request.redelivered) {
    const claimed = await ports.store.findCreation(request.job);
    if (claimed !== null) return { creation: claimed, redelivered: true };
  }
  const uuid = ports.newUuid();
  const creation = await ports.store.claim({
    ...request.requested,
    job: request.job,
    uuid,
    flow: ports.newFlow,
    createdAt: Math.floor(ports.clock.now() / 1000),
    deadline: request.deadline,
  });
  return creation === null ? null : { creation, redelivered: request.redelivered || creation.uuid !== uuid };
}

interface AddAttempt {
  readonly node: string;
  /** `unreachable`: surely not added; `indeterminate`: perhaps, perhaps later; `rejected`: never. */
  readonly end: "took" | "unreachable" | "indeterminate" | "rejected";
}

async function tryAdd(node: NodeUsers, creation: Creation): Promise<AddAttempt> {
  try {
    await node.add(creation);
    return { node: node.name, end: "took" };
  } catch (error) {
    if (error instanceof NodeUnreachableError) return { node: node.name, end: "unreachable" };
    if (error instanceof NodeIndeterminateError) return { node: node.name, end: "indeterminate" };
    if (error instanceof NodeRejectedError) return { node: node.name, end: "rejected" };
    throw error;
  }
}

function nodesWith(end: AddAttempt["end"], attempts: readonly AddAttempt[]): string[] {
  return attempts.filter((attempt) => attempt.end === end).map((attempt) => attempt.node);
}

function everyNode(ports: LifecyclePorts): string[] {
  return ports.nodes.map((node) => node.name);
}

function failureResult(attempts: readonly AddAttempt[]): Exclude<ProvisionResult, { outcome: "created" }> {
  if (attempts.every((attempt) => attempt.end === "rejected")) {
    return { outcome: "failed", detail: "Xray refused the key" };
  }
  return { outcome: "unavailable", detail: "no Xray node can be reached" };
}

async function refuse(
  creation: Creation,
  result: ProvisionResult,
  indeterminate: readonly string[],
  ports: LifecyclePorts,
): Promise<ProvisionResult> {
  const phase = indeterminate.length === 0 ? "gone" : "deleting";
  const decided = await ports.store.decide({ ...creation, phase, indeterminate });
  if (indeterminate.length > 0 && !isWanted(decided)) await dropUser(decided, ports);
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
  creation: Creation,
  indeterminate: readonly string[],
  ports: LifecyclePorts,
): Promise<KeyRecord> {
  while (true) {
    const decision = tooLate(creation, ports)
      ? ({ phase: "deleting", indeterminate: everyNode(ports) } as const)
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

/** Takes out a user that this delivery added, or may have added, although the key is no longer wanted. */
async function dropUser(decided: KeyRecord, ports: LifecyclePorts): Promise<void> {
  if (decided.phase === "deleting") {
    await clearKey(decided, { forceConverge: true }, ports);
  } else {
    await Promise.allSettled(ports.nodes.map((node) => removeOrphan(decided.keyId, node, ports)));
  }
}

function resultOf(decided: KeyRecord): ProvisionResult {
  if (wasCreated(decided)) return { outcome: "created", key: decided };
  return { outcome: "failed", detail: "the request was cancelled" };
}

function tooLate(creation: Creation, ports: LifecyclePorts): boolean {
  return ports.clock.now() > creation.deadline - COMMIT_MARGIN_MS;
}

/** Carries out the API's last word on a create job that it answered with an error: no key, whatever happened. */
export async function cancelCreation(job: string, ports: LifecyclePorts): Promise<void> {
  const creation = await ports.store.forbid(job);
  if (creation === null) return;
  const key = await decideAgainst(creation, ports.store, everyNode(ports));
  if (key.phase === "deleting") await clearKey(key, { forceConverge: true }, ports);
}

async function decideAgainst(creation: Creation, store: KeyStore, nodes: readonly string[]): Promise<KeyRecord> {
  const decided = await store.decide({ ...creation, phase: "deleting", indeterminate: nodes });
  if (!isWanted(decided)) return decided;
  return (await store.cancel(creation.keyId)) ?? decided;
}
