import { largestBatch, type OperationId } from "@veil/http-contract";
import type { JobName, NotApplied } from "@veil/job-contract";
import { WriteFailedError, WriteRejectedError, WriteUnavailableError } from "../errors.ts";
import { batchDeadlineMs } from "./write-limits.ts";

/** The job behind one endpoint that writes. */
export interface WriteJobDefinition<N extends JobName = JobName> {
  readonly name: N;
  /** The first part of the job's id. */
  readonly idPrefix: string;
  /** The action's name in errors. */
  readonly action: string;
  /** Whether it is refused at once while MongoDB is known to be unavailable. */
  readonly needsStore: boolean;
  /** Thrown when something that it needs is unavailable. Of the traffic endpoints bots know no 503, so that theirs is a 500. */
  readonly UnavailableError: typeof WriteFailedError;
  /** Thrown when its job's result is `failed`. A deletion only fails so because it came too late: it may be asked for again. */
  readonly FailedError: typeof WriteFailedError;
}

const CREATION = {
  needsStore: true,
  UnavailableError: WriteUnavailableError,
  FailedError: WriteRejectedError,
} as const;
const DELETION = { ...CREATION, FailedError: WriteFailedError } as const;
const CHANGE = { ...DELETION, action: "change key" } as const;
const TRAFFIC_WRITE = {
  needsStore: false,
  UnavailableError: WriteFailedError,
  FailedError: WriteRejectedError,
} as const;

const WRITE_JOBS = {
  createKey: { name: "create-key", idPrefix: "create", action: "create key", ...CREATION },
  createKeys: { name: "create-keys", idPrefix: "create-batch", action: "create keys", ...CREATION },
  deleteKey: { name: "delete-key", idPrefix: "delete", action: "delete key", ...DELETION },
  deleteKeys: { name: "delete-keys", idPrefix: "delete-batch", action: "delete keys", ...DELETION },
  updateKey: { name: "change-key", idPrefix: "update", ...CHANGE },
  extendKey: { name: "change-key", idPrefix: "extend", ...CHANGE },
  revokeKey: { name: "change-key", idPrefix: "revoke", ...CHANGE },
  updateKeys: { name: "update-keys", idPrefix: "update-batch", ...CHANGE, action: "change keys" },
  putKeyByExternalId: { name: "put-key", idPrefix: "put", ...CHANGE },
  deleteKeyByExternalId: { name: "delete-key", idPrefix: "delete-external", action: "delete key", ...DELETION },
  deleteDevice: { name: "forget-devices", idPrefix: "forget-device", ...DELETION, action: "delete devices" },
  deleteDevices: { name: "forget-devices", idPrefix: "forget-devices", ...DELETION, action: "delete devices" },
  resetKeyTraffic: { name: "reset-traffic", idPrefix: "reset", action: "reset traffic", ...TRAFFIC_WRITE },
  syncTraffic: { name: "sync-traffic", idPrefix: "sync", action: "sync traffic", ...TRAFFIC_WRITE },
  createToken: { name: "create-token", idPrefix: "create-token", action: "create token", ...DELETION },
  updateToken: { name: "change-token", idPrefix: "update-token", action: "change token", ...DELETION },
  deleteToken: { name: "delete-token", idPrefix: "delete-token", action: "delete token", ...DELETION },
  createWebhook: { name: "create-webhook", idPrefix: "create-webhook", action: "create webhook", ...DELETION },
  updateWebhook: { name: "change-webhook", idPrefix: "update-webhook", action: "change webhook", ...DELETION },
  deleteWebhook: { name: "delete-webhook", idPrefix: "delete-webhook", action: "delete webhook", ...DELETION },
  testWebhook: { name: "test-webhook", idPrefix: "test-webhook", action: "test webhook", ...DELETION },
  createNode: { name: "create-node", idPrefix: "create-node", action: "create node", ...DELETION },
  updateNode: { name: "change-node", idPrefix: "update-node", action: "change node", ...DELETION },
  drainNode: { name: "drain-node", idPrefix: "drain-node", action: "drain node", ...DELETION },
  undrainNode: { name: "drain-node", idPrefix: "undrain-node", action: "undrain node", ...DELETION },
  deleteNode: { name: "delete-node", idPrefix: "delete-node", action: "delete node", ...DELETION },
  createHost: { name: "put-host", idPrefix: "create-host", action: "create host", ...DELETION },
  putHost: { name: "put-host", idPrefix: "put-host", action: "change host", ...DELETION },
  updateHost: { name: "change-host", idPrefix: "update-host", action: "change host", ...DELETION },
  deleteHost: { name: "delete-host", idPrefix: "delete-host", action: "delete host", ...DELETION },
} as const satisfies Partial<Record<OperationId, WriteJobDefinition>>;

export type WriteOperation = keyof typeof WRITE_JOBS;

/** The job of an endpoint that writes. */
export type JobOf<Op extends WriteOperation> = (typeof WRITE_JOBS)[Op]["name"];

export const WRITE_OPERATIONS = [
  "createKey",
  "createKeys",
  "deleteKey",
  "deleteKeys",
  "updateKey",
  "extendKey",
  "revokeKey",
  "updateKeys",
  "putKeyByExternalId",
  "deleteKeyByExternalId",
  "deleteDevice",
  "deleteDevices",
  "resetKeyTraffic",
  "syncTraffic",
  "createToken",
  "updateToken",
  "deleteToken",
  "createWebhook",
  "updateWebhook",
  "deleteWebhook",
  "testWebhook",
  "createNode",
  "updateNode",
  "drainNode",
  "undrainNode",
  "deleteNode",
  "createHost",
  "putHost",
  "updateHost",
  "deleteHost",
] as const satisfies readonly WriteOperation[];

const definitions: { readonly [Op in WriteOperation]: WriteJobDefinition<JobOf<Op>> } = WRITE_JOBS;

/** Whether an operation of the contract writes by a job. */
export function isWriteOperation(id: OperationId): id is WriteOperation {
  return Object.hasOwn(WRITE_JOBS, id);
}

/** Whether the answer holds a secret that is shown once: it is given now, and to this caller alone. */
export function answersOnce(operation: WriteOperation): boolean {
  return operation === "createToken" || operation === "createWebhook";
}

/** The job of a write, typed by its endpoint. */
export function writeJob<Op extends WriteOperation>(operation: Op): WriteJobDefinition<JobOf<Op>> {
  return definitions[operation];
}

/** The error of a write that, by its job's result, was not done; for an item of a batch, ask as a single call's. */
export function notAppliedError(operation: WriteOperation, { outcome, detail }: NotApplied): WriteFailedError {
  const { action, UnavailableError, FailedError } = writeJob(operation);
  return outcome === "unavailable" ? new UnavailableError(action, detail) : new FailedError(action, detail);
}

/** The id of a write's job; `jobKey` names the write. */
export function jobIdOf(operation: WriteOperation, jobKey: string): string {
  return `${WRITE_JOBS[operation].idPrefix}-${jobKey}`;
}

/** The time beyond a write's own deadline, in milliseconds, before another request takes over from its leader. */
const LEASE_SLACK_MS = 3_000;

/** How long a request may lead a write, in milliseconds. @param leastMs how long the write may take at least */
export function writeLeaseMs(
  operation: WriteOperation,
  { writeDeadlineMs, syncDeadlineMs }: { readonly writeDeadlineMs: number; readonly syncDeadlineMs: number },
  leastMs = 0,
): number {
  const isBatch = operation === "createKeys" || operation === "deleteKeys";
  const keyDeadlineMs = isBatch ? batchDeadlineMs(writeDeadlineMs, largestBatch) : writeDeadlineMs;
  return Math.max(operation === "syncTraffic" ? syncDeadlineMs : keyDeadlineMs, leastMs) + LEASE_SLACK_MS;
}
