import {
  activeKey,
  desiredStateConformance,
  inboundVaultConformance,
  keyReaderConformance,
  keyStoreConformance,
} from "@veil/keys/testing";
import { nodeLivesStoreConformance, trafficStoreConformance, usageStoreConformance } from "@veil/traffic/testing";
import { afterAll, beforeAll, describe } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";

let mongo: TestStore;
/** Another process's store: what one acknowledged, the other one sees. */
let other: TestStore;

beforeAll(async () => {
  mongo = await openTestStore();
  other = await openTestStore({ uri: mongo.uri });
  await mongo.housekeeping.prepare();
});

afterAll(async () => {
  await mongo.connection.dropDatabase();
  await Promise.all([mongo.close(), other.close()]);
});

describe("the key store in MongoDB", () => {
  keyStoreConformance(() => mongo.keys);
});
describe("the desired state in MongoDB", () => {
  desiredStateConformance(() => ({ store: mongo.keys, desired: other.desired }));
});
describe("the key reader in MongoDB", () => {
  keyReaderConformance(() => ({
    reader: other.keyReader,
    addKey: (attributes) => activeKey(mongo.keys, attributes),
    deleteKey: async (keyId) => void (await mongo.keys.beginDeletion(keyId, "delete-a")),
  }));
});
describe("the inbound vault in MongoDB", () => {
  inboundVaultConformance(() => mongo.inbounds);
});
describe("the traffic store in MongoDB", () => {
  trafficStoreConformance(() => mongo.traffic);
});
describe("the store of node lives in MongoDB", () => {
  nodeLivesStoreConformance(() => mongo.nodeLives);
});
describe("the usage store in MongoDB", () => {
  usageStoreConformance(() => mongo.usage);
});
