/** Stores in memory, and what every implementation of the ports must promise, as tests. For tests only. */
export { InMemoryNodeLivesStore, InMemoryTrafficStore, InMemoryUsageStore } from "./in-memory-stores.ts";
export { nodeLivesStoreConformance } from "./node-lives-store-conformance.ts";
export { usageStoreConformance } from "./usage-store-conformance.ts";
export { trafficStoreConformance } from "./traffic-store-conformance.ts";
