/**
 * The worker's own code that the model drives beside the libs, in the one place that reaches across to it. Nothing else may
 * import a service; a model of the whole has to.
 */
export { dropTombstones, sweep } from "../../services/xray-worker/src/housekeeping.ts";
export { ReconcileLoop } from "../../services/xray-worker/src/reconcile-loop.ts";
export { XrayNodeUsers } from "../../services/xray-worker/src/xray-node-users.ts";
