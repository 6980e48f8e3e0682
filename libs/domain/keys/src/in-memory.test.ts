import { describe } from "vitest";
import { InMemoryExternalIds } from "../test/in-memory-external-ids.ts";
import { InMemoryKeyBatches } from "../test/in-memory-key-batches.ts";
import { InMemoryStore } from "../test/in-memory-store.ts";
import { externalIdsConformance } from "../test/external-ids-conformance.ts";
import { keyBatchesConformance } from "../test/key-batches-conformance.ts";
import { manyHandsConformance } from "../test/many-hands-conformance.ts";
import { keyChangesConformance } from "../test/key-changes-conformance.ts";

// The use cases are tested over these: they promise what the real ones do.
describe("the key store in memory", () => {
  const store = new InMemoryStore();
  keyChangesConformance(() => store);
  manyHandsConformance(() => store);
});
describe("the external ids in memory", () => {
  externalIdsConformance(() => new InMemoryExternalIds());
});
describe("batches in memory", () => {
  const batches = new InMemoryKeyBatches();
  keyBatchesConformance(() => ({ batches, other: batches }));
});
