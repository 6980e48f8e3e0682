/** A key's phases and terms, and what is done to it over ports: provision, change, retire, clear, sweep. Pure: no I/O. */
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
export { hasChangeOf, isMadeBy, withChange } from "./remembered-changes.ts";
export { type ChangeRequest, type ChangeResult, changeKey, type KeyChange } from "./change-key.ts";
export type { KeyStep, KeyWas, StepEvent, StepStamp } from "./events/key-steps.ts";
export { deletionEventId, firstSteps } from "./events/key-steps.ts";
export { keyIdOfSubject, subjectOf } from "./events/expect-events.ts";
export { type KeyHistory, type KeyEvent, unloggedEvents } from "./events/unlogged-events.ts";
export {
  type BatchChange,
  batchItemJob,
  changePart,
  type KeyBatch,
  type KeyBatches,
  type KeyBatchError,
  KEYS_PER_PART,
  MOST_BATCH_ERRORS,
  type PartEnd,
} from "./key-batches.ts";
export type { ArrivingDevice } from "./devices/admit-devices.ts";
export {
  type DevicePorts,
  forgetDevices,
  hasForgotten,
  type ForgetDevicesResult,
  registerDevices,
  type RegisterDeviceResult,
} from "./devices/change-devices.ts";
export { type Device, deviceIdOf, type DeviceLabels, deviceLabel, type SeenDevice } from "./devices/device.ts";
export {
  type DeviceEvent,
  devicesSubjectOf,
  isDeviceEventId,
  keyIdOfDevicesSubject,
  type ReportedDevice,
} from "./devices/device-events.ts";
export {
  type DeviceList,
  devicesOf,
  type DeviceStanding,
  isRefusalToBeReported,
  isToBeNoted,
  MOST_DEVICES,
  MOST_REFUSALS_A_DAY,
  standingOf,
} from "./devices/device-list.ts";
export type { DeviceLease, DeviceOutbox, DeviceReader, DeviceStore } from "./devices/ports.ts";
export { cancelCreation } from "./cancel-creation.ts";
export { clearKey } from "./clear-key.ts";
export { restoreKey } from "./restore-key.ts";
export { removeOrphan } from "./remove-orphan.ts";
export { applyDueTerms } from "./due-keys.ts";
export { RemovalQueues } from "./removal-queues.ts";
export { type DueEnd, dueOf } from "./due-of.ts";
export {
  LeaseHeldError,
  NodeRejectedError,
  NodeUnreachableError,
  isNodeError,
  type NodeFailure,
  NodeIndeterminateError,
  StoreRejectedError,
  StoreUnavailableError,
  UnreadableRecordError,
} from "./errors.ts";
export { tryRead } from "./try-read.ts";
export { AllKeysGoneError, refuseIfAllAreGone } from "./gone-brake.ts";
export {
  type EnteredKeys,
  externalIdEntry,
  type ExternalIds,
  type KeysToEnter,
  type OwnedExternalId,
} from "./external-ids.ts";
export { desiredOn, desiredUserOf, type GroupedNode, groupsMeet, isUncleared, isWantedOn } from "./wanted-on.ts";
export { importJobOf, importJobs } from "./import-job.ts";
export type { ChangeNotes, ChangePosition, ChangeReader, NotedChanges } from "./changed/changed-keys.ts";
export { NotingKeyStore } from "./changed/noting-key-store.ts";
export type { FoundMoved, KeyTraffic, MovedBytes } from "./key-traffic.ts";
export type { LifecyclePorts, LinkedKey } from "./lifecycle-ports.ts";
export {
  isDown,
  type NodeChange,
  type NodeSighting,
  type NodeSightings,
  type NodeState,
  type NodeStates,
  noteNodeStates,
} from "./node-states.ts";
export { DownNodes } from "./down-nodes.ts";
export type {
  Clock,
  DesiredUser,
  HeldLease,
  KeyLease,
  LeaseUrgency,
  NodeCallOptions,
  NodeUser,
  NodeUsers,
  RemoveOptions,
} from "./node-users.ts";
export type { KeyHousekeeping } from "./key-housekeeping.ts";
export { sees, SEES_ALL, type Viewer } from "./owners.ts";
export type {
  Decision,
  DesiredState,
  DesiredStore,
  Due,
  DueKeys,
  DoneOnNodes,
  HandEntry,
  HandledKey,
  InboundVault,
  KeyFilter,
  KeyOutbox,
  KeyPage,
  KeyReader,
  KeyStore,
  KeySummary,
  KeyVersion,
} from "./ports.ts";
export { type ProvisionRequest, type ProvisionResult, provisionKey } from "./provision-key.ts";
export { type PutRequest, type PutResult, putKey } from "./put-key.ts";
export { type RetireRequest, type RetireResult, retireKey } from "./retire-key.ts";
export { keyIdOfToken, olderSubscriptionToken, subscriptionToken, TOKEN_SEED_BYTES } from "./subscription-token.ts";
export { ChangeRefusedError, changeTerms, type TermsChange } from "./terms/change-terms.ts";
export { isInService, type KeyStatus, keyStatuses, statusOf, termsAt, usedTraffic } from "./terms/key-status.ts";
export {
  DEFAULT_GROUPS,
  endOfHold,
  firstTerms,
  type KeyTerms,
  type SettableTerms,
  type TrafficBytes,
  type TrafficReset,
  trafficResets,
} from "./terms/key-terms.ts";
export { NO_NOTICES, type Noticed, NOTHING_NOTICED, type Notices, UNKNOWN_NOTICED } from "./terms/notices.ts";
export { nextResetAfter } from "./terms/reset-calendar.ts";
export { filterOf, type KeySelection, type SelectKeysPorts } from "./select-keys.ts";
export { type SweepResult, sweepKeys } from "./sweep-keys.ts";
export {
  CALL_DEADLINE_MS,
  COALESCE_WAIT_MS,
  CONFIG_FILE_LEASE_MS,
  CONFIG_FILE_WAIT_MS,
  FAILING_FOR_MS,
  JOB_LOCK_MS,
  JOB_SHARE,
  LAST_CALL_UNDER_LEASE_MS,
  LATE_CALL_MS,
  LATE_WRITE_MS,
  LEASE_MS,
  LEASE_PROLONG_EVERY_MS,
  LEASE_WAIT_MS,
  LONGEST_CALL_MS,
  MISSING_INBOUND_WAIT_MS,
  NOTE_SIGHTINGS_EVERY_MS,
  NOTE_SIGHTINGS_JITTER,
  NOTES_OVERLAP_MS,
  POSITION_WITHIN_MS,
  RESOLVE_SHARE,
  SHORTEST_WRITE_DEADLINE_MS,
  SLACK_SHARE,
  STALLED_CHECK_MS,
  STORE_OPERATION_LIMIT_MS,
  WRITE_DEADLINE_MS,
} from "./timing.ts";
