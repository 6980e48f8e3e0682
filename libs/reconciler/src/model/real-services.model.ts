/**
 * The services' own code that the model drives, in the one place that reaches across to it. Nothing else may import
 * a service; a model of the whole has to.
 */
export { createKey } from "../../../../services/api/src/keys/create-key.ts";
export { deleteKey } from "../../../../services/api/src/keys/delete-key.ts";
export { RefusedCreations } from "../../../../services/api/src/keys/refused-creations.ts";
export { VisibleKeys } from "../../../../services/api/src/keys/visible-keys.ts";
export {
  KeyNotFoundError,
  OutcomeUnknownError,
  WriteFailedError,
} from "../../../../services/api/src/errors.ts";
export { awaitVerdict } from "../../../../services/api/src/writes/await-verdict.ts";
export { submitJob } from "../../../../services/api/src/writes/submit-job.ts";
export { writeLimits } from "../../../../services/api/src/writes/write-limits.ts";
export { keepHouse } from "../../../../services/xray-worker/src/housekeeping.ts";
export { ReconcileLoop } from "../../../../services/xray-worker/src/keep-reconciled.ts";
export { keyJobHandlers } from "../../../../services/xray-worker/src/key-job-handlers.ts";
export { XrayNodeUsers } from "../../../../services/xray-worker/src/xray-node-users.ts";
