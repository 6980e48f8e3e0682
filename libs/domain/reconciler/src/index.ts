/**
 * The difference between desired and actual users of one node, and the pass that ends it. Knows no gRPC and no store.
 */
export { type ActualUser, type ComparedNode, type Drift, diffUsers } from "./diff-users.ts";
export type { ConfirmedDrift } from "./confirm-drift.ts";
export {
  type ListedInbound,
  type PassOptions,
  type PassResult,
  type ReconciledNode,
  type ReconciledState,
  reconcileNode,
  type UnreadableAmong,
} from "./reconcile-node.ts";
export { isDatabaseSuspect, neverRevoked } from "./orphan-brake.ts";
export { countsAgree, mayCompareCounts, nextPassIn, type PassRecord } from "./pass-record.ts";
export { type HealthProbe, NodeWatch, type PassReason } from "./watch-node.ts";
