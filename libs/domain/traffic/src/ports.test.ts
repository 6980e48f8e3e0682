import { describe } from "vitest";
import {
  InMemoryNodeLivesStore,
  InMemoryTrafficStore,
  InMemoryUsageStore,
  nodeLivesStoreConformance,
  trafficStoreConformance,
  usageStoreConformance,
} from "../test/index.ts";

// The collector's own tests rely on these doubles doing what MongoDB does.
describe("the traffic store in memory", () => {
  trafficStoreConformance(() => new InMemoryTrafficStore());
});
describe("the store of node lives in memory", () => {
  nodeLivesStoreConformance(() => new InMemoryNodeLivesStore());
});
describe("the usage store in memory", () => {
  usageStoreConformance(() => new InMemoryUsageStore());
});
