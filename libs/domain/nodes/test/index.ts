export { fleetStoreConformance } from "./fleet-store-conformance.ts";
export { InMemoryFleet } from "./in-memory-fleet.ts";
export { someHost } from "./some-host.ts";
export { someInbound } from "./some-inbound.ts";
export { someNode } from "./some-node.ts";
