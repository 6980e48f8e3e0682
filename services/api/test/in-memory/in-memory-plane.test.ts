import { keyReaderConformance } from "@veil/keys/testing";
import { describe } from "vitest";
import { InMemoryPlane } from "./in-memory-plane.ts";

const plane = new InMemoryPlane();

describe("the key reader in memory", () => {
  keyReaderConformance(() => ({
    reader: plane.keyReader,
    addKey: async (attributes) => plane.addKey(attributes),
    deleteKey: async (keyId) => {
      const key = plane.keys.get(keyId);
      if (key !== undefined) plane.keys.set(keyId, { ...key, phase: "deleting" });
    },
  }));
});
