export { type ActualUser, type DesiredUser, type Drift, diffUsers } from "./diff-users.ts";
export { type DesiredState, type PassResult, type ReconciledNode, reconcileNode } from "./reconcile-node.ts";
export { type NodeGlance, NodeWatch, type PassReason } from "./watch-node.ts";
