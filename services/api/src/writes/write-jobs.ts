import type { OperationId } from "@veil/http-contract";
import type { JobName } from "@veil/job-contract";

/** The job of every endpoint that writes, and the first part of its job's id. */
const writeJobs = {
  createKey: { name: "create-key", kind: "create" },
  createKeys: { name: "create-keys", kind: "create-batch" },
  deleteKey: { name: "delete-key", kind: "delete" },
  deleteKeys: { name: "delete-keys", kind: "delete-batch" },
  resetKeyTraffic: { name: "reset-traffic", kind: "reset" },
  syncTraffic: { name: "sync-traffic", kind: "sync" },
} as const satisfies Partial<Record<OperationId, { readonly name: JobName; readonly kind: string }>>;

export type WriteOperation = keyof typeof writeJobs;

export const writeOperations = [
  "createKey",
  "createKeys",
  "deleteKey",
  "deleteKeys",
  "resetKeyTraffic",
  "syncTraffic",
] as const satisfies readonly WriteOperation[];

export function isWriteOperation(id: OperationId): id is WriteOperation {
  return Object.hasOwn(writeJobs, id);
}

export function jobNameOf(operation: WriteOperation): JobName {
  return writeJobs[operation].name;
}

/** The id of a write's job; `jobKey` names the write. */
export function jobIdOf(operation: WriteOperation, jobKey: string): string {
  return `${writeJobs[operation].kind}-${jobKey}`;
}
