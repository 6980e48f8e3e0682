import { itemJobId, type JobHandlers, type JobResult } from "@veil/job-contract";
import {
  cancelCreation,
  type KeyRecord,
  type LifecyclePorts,
  type NodeUsers,
  type ProvisionResult,
  provisionKey,
  retireKey,
} from "@veil/key-lifecycle";
import pLimit from "p-limit";

/** Deletions of batches under way at once in one worker: each holds a lease. */
const deletionsAtOnce = 32;
/** Calls of batches to one node at once: most of what a node's connection carries, with room left for single jobs. */
const nodeCallsAtOnce = 48;

/** What the worker does with each job of the key queue. */
export function keyJobHandlers(ports: LifecyclePorts): JobHandlers<"veil-keys"> {
  const deletions = pLimit(deletionsAtOnce);
  const batchPorts = { ...ports, nodes: ports.nodes.map(withRoomForOthers) };
  return {
    "create-key": async ({ name, deadline }, { jobId, redelivered }) =>
      createResult(await provisionKey({ job: jobId, name, deadline, redelivered }, ports)),

    "create-keys": async ({ names, deadline }, { jobId, redelivered }) => {
      // All at once: the store then claims and decides hundreds by one write, and only the nodes are asked in turn.
      const items = await allSettled(
        names.map(async (name, index) => {
          const job = itemJobId(jobId, index);
          return createResult(await provisionKey({ job, name, deadline, redelivered }, batchPorts));
        }),
      );
      return { outcome: "done", items };
    },

    "cancel-creation": async ({ job }) => {
      await cancelCreation(job, ports);
      return { outcome: "cancelled" };
    },

    "cancel-creations": async ({ jobs }) => {
      await allSettled(jobs.map((job) => deletions(() => cancelCreation(job, ports))));
      return { outcome: "cancelled" };
    },

    "delete-key": ({ key_id, deadline }, { jobId, redelivered }) =>
      retireKey({ keyId: key_id, job: jobId, deadline, redelivered }, ports),

    "delete-keys": async ({ key_ids, deadline }, { jobId, redelivered }) => {
      const items = await allSettled(
        key_ids.map((keyId, index) =>
          deletions(() => retireKey({ keyId, job: itemJobId(jobId, index), deadline, redelivered }, batchPorts)),
        ),
      );
      return { outcome: "done", items };
    },
  };
}

/** A node that is asked a bounded number of things at once, so that its connection never makes anybody wait in vain. */
function withRoomForOthers(node: NodeUsers): NodeUsers {
  const limit = pLimit(nodeCallsAtOnce);
  return {
    name: node.name,
    add: (user) => limit(() => node.add(user)),
    remove: (keyId) => limit(() => node.remove(keyId)),
  };
}

/**
 * Waits for all items of a batch, so that nothing of this delivery is at work when it ends.
 *
 * @throws what the first item threw that asks for another attempt; what is done by then is found done by it
 */
async function allSettled<R>(items: readonly Promise<R>[]): Promise<R[]> {
  const ends = await Promise.allSettled(items);
  return ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}

function createResult(result: ProvisionResult): JobResult<"create-key"> {
  return result.outcome === "created" ? { outcome: "created", key: onTheWire(result.key) } : result;
}

function onTheWire(key: KeyRecord) {
  return { key_id: key.keyId, uuid: key.uuid, name: key.name, created_at: key.createdAt };
}
