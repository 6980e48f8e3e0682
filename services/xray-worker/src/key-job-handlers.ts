import { itemJobId, type JobHandlers, type JobResult } from "@veil/job-contract";
import {
  cancelCreation,
  type KeyRecord,
  type LifecyclePorts,
  type ProvisionResult,
  provisionKey,
  retireKey,
} from "@veil/key-lifecycle";
import pLimit, { type LimitFunction } from "p-limit";

/** Items of batches under way at once in one worker: enough to fill a node's pipe and the store's bulk writes. */
const itemsAtOnce = 128;

/** What the worker does with each job of the key queue. */
export function keyJobHandlers(ports: LifecyclePorts): JobHandlers<"veil-keys"> {
  const limit = pLimit(itemsAtOnce);
  return {
    "create-key": async ({ name, deadline }, { jobId, redelivered }) =>
      createResult(await provisionKey({ job: jobId, name, deadline, redelivered }, ports)),

    "create-keys": async ({ names, deadline }, { jobId, redelivered }) => {
      const items = await eachItem(names, limit, async (name, index) =>
        createResult(await provisionKey({ job: itemJobId(jobId, index), name, deadline, redelivered }, ports)),
      );
      return { outcome: "done", items };
    },

    "cancel-creation": async ({ job }) => {
      await cancelCreation(job, ports);
      return { outcome: "cancelled" };
    },

    "cancel-creations": async ({ jobs }) => {
      await eachItem(jobs, limit, (job) => cancelCreation(job, ports));
      return { outcome: "cancelled" };
    },

    "delete-key": ({ key_id, deadline }, { jobId, redelivered }) =>
      retireKey({ keyId: key_id, job: jobId, deadline, redelivered }, ports),

    "delete-keys": async ({ key_ids, deadline }, { jobId, redelivered }) => {
      const items = await eachItem(key_ids, limit, (keyId, index) =>
        retireKey({ keyId, job: itemJobId(jobId, index), deadline, redelivered }, ports),
      );
      return { outcome: "done", items };
    },
  };
}

/**
 * Does something to every item and waits for all of them, so that nothing of this delivery is at work when it ends.
 *
 * @throws what the first item threw that asks for another attempt; an item that is done already is found done by it
 */
async function eachItem<T, R>(
  items: readonly T[],
  limit: LimitFunction,
  act: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const ends = await Promise.allSettled(items.map((item, index) => limit(() => act(item, index))));
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
