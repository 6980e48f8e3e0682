import type { JobHandlers, JobResult } from "@veil/job-contract";
import {
  cancelCreation,
  type KeyRecord,
  type LifecyclePorts,
  type ProvisionResult,
  provisionKey,
  retireKey,
} from "@veil/key-lifecycle";

/** What the worker does with each job of the key queue. */
export function keyJobHandlers(ports: LifecyclePorts): JobHandlers<"veil-keys"> {
  return {
    "create-key": async ({ name, deadline }, { jobId, redelivered }) =>
      createResult(await provisionKey({ job: jobId, name, deadline, redelivered }, ports)),

    "cancel-creation": async ({ job }) => {
      await cancelCreation(job, ports);
      return { outcome: "cancelled" };
    },

    "delete-key": ({ key_id, deadline }, { jobId, redelivered }) =>
      retireKey({ keyId: key_id, job: jobId, deadline, redelivered }, ports),
  };
}

function createResult(result: ProvisionResult): JobResult<"create-key"> {
  return result.outcome === "created" ? { outcome: "created", key: onTheWire(result.key) } : result;
}

function onTheWire(key: KeyRecord) {
  return { key_id: key.keyId, uuid: key.uuid, name: key.name, created_at: key.createdAt };
}
