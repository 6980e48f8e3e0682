import type { JobHandlers } from "../src/job-dispatcher.ts";

const notExpected = () => Promise.reject(new Error("not expected"));

/** Handlers of the key queue's jobs: those given, and for the others one that fails. */
export function keyHandlers(own: Partial<JobHandlers<"veil-keys">>): JobHandlers<"veil-keys"> {
  return {
    "create-key": notExpected,
    "create-keys": notExpected,
    "cancel-creation": notExpected,
    "cancel-creations": notExpected,
    "change-key": notExpected,
    "put-key": notExpected,
    "update-keys": notExpected,
    "create-token": notExpected,
    "change-token": notExpected,
    "delete-token": notExpected,
    "create-webhook": notExpected,
    "change-webhook": notExpected,
    "delete-webhook": notExpected,
    "create-node": notExpected,
    "change-node": notExpected,
    "drain-node": notExpected,
    "delete-node": notExpected,
    "put-host": notExpected,
    "change-host": notExpected,
    "delete-host": notExpected,
    "delete-key": notExpected,
    "delete-keys": notExpected,
    "register-device": notExpected,
    "forget-devices": notExpected,
    ...own,
  };
}
