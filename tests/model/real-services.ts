/**
 * The worker's own code that the model drives beside the libs, in the one place that reaches across to it. Nothing else may
 * import a service; a model of the whole has to.
 */
export { BlockedUsers } from "../../services/xray-worker/src/nodes/blocked-users.ts";
export { ConfigMirror } from "../../services/xray-worker/src/config-file/config-mirror.ts";
export { onlyWriterOf } from "../../services/xray-worker/src/config-file/only-writer.ts";
export { SharedWrites } from "../../services/xray-worker/src/config-file/shared-writes.ts";
export { dropTombstones, sweep } from "../../services/xray-worker/src/housekeeping.ts";
export { NodeGroups, type RegroupedNode } from "../../services/xray-worker/src/nodes/node-groups.ts";
export { OrphanBrake } from "../../services/xray-worker/src/nodes/orphan-brake.ts";
export type { PassRecords } from "../../services/xray-worker/src/nodes/pass-records.ts";
export { ReconcileLoop } from "../../services/xray-worker/src/nodes/reconcile-loop.ts";
export { SharedDesired } from "../../services/xray-worker/src/nodes/shared-desired.ts";
export { applyDue } from "../../services/xray-worker/src/terms/apply-due.ts";
export { enterDue } from "../../services/xray-worker/src/terms/due-loop.ts";
export { keyEvents } from "../../services/xray-worker/src/events/key-events.ts";
export { relayAll, relayDue } from "../../services/xray-worker/src/events/relay-loop.ts";
export { XrayNodeUsers } from "../../services/xray-worker/src/nodes/xray-node-users.ts";
export { UnclearedKeys } from "../../services/xray-worker/src/uncleared-keys.ts";
