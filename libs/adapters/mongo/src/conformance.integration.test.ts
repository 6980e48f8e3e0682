import {
  activeKey,
  desiredStateConformance,
  deviceStoreConformance,
  externalIdsConformance,
  inboundVaultConformance,
  keyChangesConformance,
  keyFiltersConformance,
  keyOutboxConformance,
  keyReaderConformance,
  keyStoreConformance,
  keyWith,
  versionOf,
} from "@veil/keys/testing";
import { eventLogConformance } from "@veil/events/testing";
import { tokenStoreConformance } from "@veil/tokens/testing";
import { nodeLivesStoreConformance, trafficStoreConformance, usageStoreConformance } from "@veil/traffic/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
  keyChangesConformance(() => mongo.keys);
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
describe("keys by their terms in MongoDB", () => {
  keyFiltersConformance(() => ({ store: mongo.keys, reader: other.keyReader, desired: other.desired }));
  it("finds the key that has an external id, until it has another", async () => {
    const key = await keyWith(mongo.keys, { externalId: "tg-1" });
    await mongo.externalIds.claim({ externalId: "tg-1", owner: null }, key.keyId);
    expect(await other.keyReader.findByExternalId({ externalId: "tg-1", owner: null })).toEqual(key);
    expect(await other.keyReader.findByExternalId({ externalId: "tg-2", owner: null })).toBeNull();
    await mongo.keys.change(key.keyId, versionOf(key, { externalId: "tg-2" }));
    expect(await other.keyReader.findByExternalId({ externalId: "tg-1", owner: null })).toBeNull();
  });
});
describe("the external ids in MongoDB", () => {
  externalIdsConformance(() => mongo.externalIds);
});
describe("the devices in MongoDB", () => {
  deviceStoreConformance(() => mongo.devices);
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
describe("the token store in MongoDB", () => {
  tokenStoreConformance(() => mongo.tokens);
});
describe("the events of keys in MongoDB", () => {
  keyOutboxConformance(() => ({ store: mongo.keys, outbox: other.keyOutbox }));
});
describe("the log of events in MongoDB", () => {
  eventLogConformance(() => ({ log: mongo.events, other: other.events }));
});
describe("the usage store in MongoDB", () => {
  usageStoreConformance(() => mongo.usage);
});
