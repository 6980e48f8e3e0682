/**
 * The difference between desired and actual users of one node, and the pass that ends it. Knows no gRPC and no store.
 */
export { type ActualUser, type Drift, diffUsers } from "./diff-users.ts";
export {
  type ListedInbound,
  type PassResult,
  type ReconciledNode,
  reconcileNode,
} from "./reconcile-node.ts";
export { type HealthProbe, NodeWatch, type PassReason } from "./watch-node.ts";
