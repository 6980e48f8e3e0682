import { keyEndpoints } from "./endpoints/key-endpoints.ts";
import { publicEndpoints } from "./endpoints/public-endpoints.ts";
import { trafficEndpoints } from "./endpoints/traffic-endpoints.ts";

/**
 * Every endpoint by its operation id.
 *
 * To add one: describe it in `endpoints/`; the compiler then asks the service for its operation.
 */
export const endpoints = { ...publicEndpoints, ...keyEndpoints, ...trafficEndpoints };

export type OperationId = keyof typeof endpoints;

/** The operation ids in the catalogue's order. */
export const operationIds: readonly OperationId[] = Object.keys(endpoints).filter(isOperationId);

function isOperationId(name: string): name is OperationId {
  return Object.hasOwn(endpoints, name);
}
