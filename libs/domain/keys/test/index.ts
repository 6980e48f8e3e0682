/** The promises of every implementation of the ports over stored keys, as tests. For tests only. */
export { keyWith, versionOf } from "./changed-keys.ts";
export { desiredStateConformance } from "./desired-state-conformance.ts";
export { deviceStoreConformance } from "./device-store-conformance.ts";
export { externalIdsConformance } from "./external-ids-conformance.ts";
export { InMemoryDeviceLease } from "./in-memory-device-lease.ts";
export { InMemoryDevices } from "./in-memory-devices.ts";
export { InMemoryKeyBatches } from "./in-memory-key-batches.ts";
export { keyBatchesConformance } from "./key-batches-conformance.ts";
export { InMemoryHints } from "./in-memory-hints.ts";
export { inMemoryLifecycle, plant, START_MS } from "./in-memory-lifecycle.ts";
export { inboundVaultConformance } from "./inbound-vault-conformance.ts";
export { keyChangesConformance } from "./key-changes-conformance.ts";
export { keyFiltersConformance } from "./key-filters-conformance.ts";
export { keyOutboxConformance } from "./key-outbox-conformance.ts";
export { keyReaderConformance } from "./key-reader-conformance.ts";
export { keyStoreConformance } from "./key-store-conformance.ts";
export { activeKey, claimKey, creationRequest, decisionOf, goneKey, unchanged } from "./stored-keys.ts";
