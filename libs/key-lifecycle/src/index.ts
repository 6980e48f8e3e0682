/** A key's phases, and what is done to it over ports: provision, retire, clear, sweep. Pure: knows no I/O. */
export {
  type Creation,
  type KeyAttributes,
  type KeyFacts,
  type KeyPhase,
  type KeyRecord,
  isGone,
  isVisible,
  isWanted,
  keyPhases,
  type RequestedAttributes,
  wasCreated,
} from "./access-key.ts";
export { clearKey, removeGhost, restoreKey } from "./clear-key.ts";
export {
  LeaseHeldError,
  NodeRefusedError,
  NodeUnreachableError,
  NodeUnsureError,
  StoreUnavailableError,
} from "./errors.ts";
export { importJobOf, importJobs } from "./import-job.ts";
export type { KeyPage, KeyReader } from "./key-reader.ts";
export type { Decision, KeyStore } from "./key-store.ts";
export type { LifecyclePorts } from "./lifecycle-ports.ts";
export type { Clock, DesiredUser, HeldLease, KeyLease, NodeUser, NodeUsers } from "./node-users.ts";
export { cancelCreation, type ProvisionRequest, type ProvisionResult, provisionKey } from "./provision-key.ts";
export { type RetireRequest, type RetireResult, retireKey } from "./retire-key.ts";
export { type SweepResult, sweepKeys } from "./sweep-keys.ts";
