import { batchEndpoints } from "./endpoints/batch-endpoints.ts";
import { deviceEndpoints } from "./endpoints/device-endpoints.ts";
import { eventEndpoints } from "./endpoints/event-endpoints.ts";
import { hostEndpoints } from "./endpoints/host-endpoints.ts";
import { jobEndpoints } from "./endpoints/job-endpoints.ts";
import { keyEndpoints } from "./endpoints/key-endpoints.ts";
import { nodeEndpoints } from "./endpoints/node-endpoints.ts";
import { onlineEndpoints } from "./endpoints/online-endpoints.ts";
import { publicEndpoints } from "./endpoints/public-endpoints.ts";
import { qrEndpoints } from "./endpoints/qr-endpoints.ts";
import { termsEndpoints } from "./endpoints/terms-endpoints.ts";
import { tokenEndpoints } from "./endpoints/token-endpoints.ts";
import { trafficEndpoints } from "./endpoints/traffic-endpoints.ts";
import { usageEndpoints } from "./endpoints/usage-endpoints.ts";
import { webhookEndpoints } from "./endpoints/webhook-endpoints.ts";

/**
 * Every endpoint by its operation id.
 *
 * Paths are matched in this order: `/api/keys/batch` comes before `/api/keys/{key_id}`.
 *
 * To add one: describe it in `endpoints/`; the compiler then asks the service for its operation. A test tells when one hides
 * another.
 */
export const endpoints = {
  ...publicEndpoints,
  ...batchEndpoints,
  ...termsEndpoints,
  ...keyEndpoints,
  ...qrEndpoints,
  ...deviceEndpoints,
  ...onlineEndpoints,
  ...trafficEndpoints,
  ...usageEndpoints,
  ...jobEndpoints,
  ...tokenEndpoints,
  ...eventEndpoints,
  ...webhookEndpoints,
  ...nodeEndpoints,
  ...hostEndpoints,
};

export type OperationId = keyof typeof endpoints;

/** The operation ids in the catalogue's order. */
export const operationIds: readonly OperationId[] = Object.keys(endpoints).filter(isOperationId);

function isOperationId(name: string): name is OperationId {
  return Object.hasOwn(endpoints, name);
}
