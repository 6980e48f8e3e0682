import { itemJobId, type JobResult } from "@veil/job-contract";
import { type Delivery, type JobHandlers } from "@veil/job-queue";
import {
  cancelCreation,
  changeKey,
  type ChangeResult,
  type LifecyclePorts,
  type NodeUsers,
  provisionKey,
  putKey,
  retireKey,
} from "@veil/keys";
import { systemClock } from "@veil/runtime";
import pLimit from "p-limit";
import type { DeviceJobHandlers } from "./device-job-handlers.ts";
import type { HostJobHandlers } from "./host-job-handlers.ts";
import type { NodeJobHandlers } from "./node-job-handlers.ts";
import type { TokenJobHandlers } from "./token-job-handlers.ts";
import { actorOf } from "./actor-of.ts";
import { BatchAdmission } from "./batch-admission.ts";
import type { WebhookJobHandlers } from "./webhook-job-handlers.ts";
import { orUnreadable } from "./or-unreadable.ts";
import { beginUpdateKeys, type UpdateKeysPorts } from "./update-keys.ts";

/** A batch of creations begins when fewer than so many of those before are under way: enough for the store to share its writes. */
const FEW_CREATIONS = { besideSingles: 250, alone: 2_000 } as const;
/** Deletions of batches under way at once in one worker: each holds a lease, and those under way share the store's writes. */
const DELETIONS_AT_ONCE = 96;
/** Calls of batches to one node at once: most of what a node's connection carries, with room left for single jobs. */
const NODE_CALLS_AT_ONCE = 48;

/** How the creation or deletion of one key ended. */
export interface KeyEnding {
  readonly operation: "create" | "change" | "delete";
  /** `refused`: the request contradicts the key as it is. */
  readonly outcome: "done" | "not_found" | "refused" | "unavailable" | "failed";
  /** Since the request came in. */
  readonly durationMs: number;
}

type OtherHandlers = TokenJobHandlers & DeviceJobHandlers & WebhookJobHandlers & NodeJobHandlers & HostJobHandlers;
type KeyJobHandlers = Omit<JobHandlers<"veil-keys">, keyof OtherHandlers>;

/** Handles each job on keys. @param onKey called for every key when its outcome is known */
export function keyJobHandlers(
  ports: LifecyclePorts,
  updating: UpdateKeysPorts,
  onKey: (ending: KeyEnding) => void,
): KeyJobHandlers {
  const reported = <R extends { readonly outcome: EndedOutcome }>(
    operation: KeyEnding["operation"],
    result: R,
    { requestedAt }: Delivery,
  ): R => {
    onKey({ operation, outcome: endingOf(result.outcome), durationMs: Math.max(0, ports.clock.now() - requestedAt) });
    return result;
  };
  const creations = new BatchAdmission({ ...FEW_CREATIONS, clock: systemClock });
  const deletions = pLimit(DELETIONS_AT_ONCE);
  const roomy = new WeakMap<NodeUsers, NodeUsers>();
  const roomyNode = (node: NodeUsers): NodeUsers => {
    const known = roomy.get(node) ?? withRoomForOthers(node);
    roomy.set(node, known);
    return known;
  };
  /** Nodes come and go while a batch is under way; all batches share a node's room. */
  const batchPorts: LifecyclePorts = {
    ...ports,
    get nodes() {
      return ports.nodes.map(roomyNode);
    },
  };
  return {
    "create-key": async ({ key, deadline, ...asked }, delivery) => {
      creations.noteSingle();
      const { jobId: job, redelivered } = delivery;
      const result = await provisionKey({ job, requested: key, deadline, redelivered, actor: actorOf(asked) }, ports);
      return reported("create", result, delivery);
    },

    "create-keys": async ({ keys, deadline, takesPacked = false, ...asked }, delivery) => {
      const { jobId, redelivered } = delivery;
      const actor = actorOf(asked);
      // A batch's all at once: the store then claims and decides hundreds by one write, and only the calls to a node are limited.
      const ends = await creations.runAll(
        keys.map((requested, index) => async () => {
          const job = itemJobId(jobId, index);
          const result = await provisionKey({ job, requested, deadline, redelivered, actor }, batchPorts);
          return reported("create", result, delivery);
        }),
      );
      const items = valuesOrThrow(ends);
      return { outcome: "done", items, pack: takesPacked };
    },

    "cancel-creation": async ({ job }) => {
      await cancelCreation(job, ports);
      return { outcome: "cancelled" };
    },

    "cancel-creations": async ({ jobs }) => {
      await allOrThrow(jobs.map((job) => deletions(() => cancelCreation(job, ports))));
      return { outcome: "cancelled" };
    },

    "change-key": async ({ key_id: keyId, owner, change, if_revision: ifRevision, deadline, ...asked }, delivery) => {
      creations.noteSingle();
      const { jobId: job, redelivered } = delivery;
      const request = { keyId, owner, job, deadline, redelivered, change, ifRevision, actor: actorOf(asked) };
      const result = await orUnreadable("key", () => changeKey(request, ports));
      reported("change", result, delivery);
      if (result.outcome === "changed") return changedOnWire(result);
      if (result.outcome !== "unavailable" && result.outcome !== "failed") return result;
      const { outcome, detail } = result;
      return { outcome, detail, is_stored: "isStored" in result && result.isStored };
    },

    "update-keys": (payload, { jobId }) => beginUpdateKeys(payload, jobId, updating),

    "put-key": async ({ external_id: externalId, owner, name, terms, if_revision, deadline, ...asked }, delivery) => {
      creations.noteSingle();
      const { jobId: job, redelivered } = delivery;
      const requested = { owner, terms, ...(name !== undefined && { name }) };
      const seen = if_revision === undefined ? {} : { ifRevision: if_revision };
      const request = { externalId, job, deadline, redelivered, requested, ...seen, actor: actorOf(asked) };
      const result = await orUnreadable("key", () => putKey(request, ports));
      if (result.outcome === "not-found") throw new Error("a put names no key");
      reported(result.outcome === "created" ? "create" : "change", result, delivery);
      return result.outcome === "changed" ? changedOnWire(result) : result;
    },

    "delete-key": async ({ key_id: keyId, owner, deadline, ...asked }, delivery) => {
      creations.noteSingle();
      const { jobId: job, redelivered } = delivery;
      const actor = actorOf(asked);
      const request = { keyId, owner, job, deadline, redelivered, actor };
      return reported("delete", await orUnreadable("key", () => retireKey(request, ports)), delivery);
    },

    "delete-keys": async ({ key_ids, owner, deadline, ...asked }, delivery) => {
      const { jobId, redelivered } = delivery;
      const actor = actorOf(asked);
      const items = await allOrThrow(
        key_ids.map((keyId, index) =>
          deletions(async () => {
            const job = itemJobId(jobId, index);
            const request = { keyId, owner, job, deadline, redelivered, actor };
            return reported("delete", await orUnreadable("key", () => retireKey(request, batchPorts)), delivery);
          }),
        ),
      );
      return { outcome: "done", items };
    },
  };
}

/** A node that is asked a bounded number of things at once, so that its connection keeps room for single jobs. */
function withRoomForOthers(node: NodeUsers): NodeUsers {
  const limit = pLimit(NODE_CALLS_AT_ONCE);
  return {
    name: node.name,
    get reachable() {
      return node.reachable;
    },
    get groups() {
      return node.groups;
    },
    get isSettled() {
      return node.isSettled;
    },
    add: (user, options) => limit(() => node.add(user, options)),
    remove: (keyId, options) => limit(() => node.remove(keyId, options)),
    prepareRemovals: (keyIds, mayChange) => node.prepareRemovals(keyIds, mayChange),
  };
}

/**
 * Waits for all items of a batch, so that nothing of this delivery still runs when it ends.
 *
 * @throws what the first item threw that asks for another attempt; what is done by then is found done by it
 */
async function allOrThrow<R>(items: readonly Promise<R>[]): Promise<R[]> {
  return valuesOrThrow(await Promise.allSettled(items));
}

/** @throws what the first item threw */
function valuesOrThrow<R>(ends: readonly PromiseSettledResult<R>[]): R[] {
  return ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}

/** A change as it travels. */
function changedOnWire({ key, isChanged }: Extract<ChangeResult, { readonly outcome: "changed" }>) {
  return { outcome: "changed", key, is_changed: isChanged } as const;
}

type EndedOutcome = JobResult<"create-key" | "change-key" | "put-key" | "delete-key">["outcome"];

function endingOf(outcome: EndedOutcome): KeyEnding["outcome"] {
  switch (outcome) {
    case "created":
    case "changed":
    case "deleted":
      return "done";
    case "outdated":
    case "refused":
    case "taken":
      return "refused";
    case "not-found":
      return "not_found";
    default:
      return outcome;
  }
}
