import { describe } from "vitest";
import { fleetStoreConformance, InMemoryFleet } from "../test/index.ts";

describe("the fleet in memory", () => {
  const store = new InMemoryFleet();
  fleetStoreConformance(() => ({ store, other: store }));
});
