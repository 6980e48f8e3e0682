import {
  activeKey,
  desiredStateConformance,
  deviceStoreConformance,
  externalIdsConformance,
  inboundVaultConformance,
  keyBatchesConformance,
  keyChangesConformance,
  keyFiltersConformance,
  keyOutboxConformance,
  keyReaderConformance,
  keyStoreConformance,
  keyWith,
  versionOf,
} from "@veil/keys/testing";
import { eventLogConformance } from "@veil/events/testing";
import { fleetStoreConformance } from "@veil/nodes/testing";
import { storedToken, tokenStoreConformance } from "@veil/tokens/testing";
import { nodeLivesStoreConformance, trafficStoreConformance, usageStoreConformance } from "@veil/traffic/testing";
import { webhookStoreConformance } from "@veil/webhooks/testing";
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
describe("batches in MongoDB", () => {
  keyBatchesConformance(() => ({ batches: mongo.batches, other: other.batches }));
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
    const unreadable = await activeKey(mongo.keys);
    const fence = 1_800_000_000_000_000;
    const records = mongo.connection.collection<{ readonly _id: string }>("keys");
    await records.updateOne({ _id: String(unreadable.keyId) }, { $set: { key_id: "x" } });
    for (const keyIds of [
      [unreadable.keyId, key.keyId],
      [key.keyId, unreadable.keyId],
    ] as const) {
      const entry = { keyIds, version: 1, fence: fence + keyIds[0] };
      await mongo.externalIds.replace({ externalId: "tg-1", owner: null }, entry);
      expect(await other.keyReader.findByExternalId({ externalId: "tg-1", owner: null })).toEqual(key);
    }
    await records.deleteOne({ _id: String(unreadable.keyId) });
    await mongo.keys.change(key.keyId, versionOf(key, { externalId: "tg-2" }));
    expect(await other.keyReader.findByExternalId({ externalId: "tg-1", owner: null })).toBeNull();
  });
});
describe("the external ids in MongoDB", () => {
  externalIdsConformance(() => mongo.externalIds);
  it("may be those of a key that a worker of the version before has entered since", async () => {
    const [id, fence] = [{ externalId: "tg-older", owner: null }, 1_800_000_000_000_000];
    await mongo.externalIds.claim(id, 7);
    await mongo.externalIds.replace(id, { keyIds: [8, 7], version: 1, fence });
    const entries = mongo.connection.collection<{ readonly _id: string }>("external_ids");
    await entries.updateOne({ _id: "tg-older" }, { $set: { key_id: 9, undecided: [6] } });
    expect(await mongo.externalIds.find(id)).toEqual([8, 7, 9, 6]);
    await mongo.externalIds.replace(id, { keyIds: [10], version: 2, fence });
    expect(await mongo.externalIds.find(id)).toEqual([10]);
    expect(await entries.findOne({ _id: "tg-older" })).toMatchObject({ key_id: 10, undecided: [] });
  });
});
describe("the devices in MongoDB", () => {
  deviceStoreConformance(() => mongo.devices);
});
describe("the inbound vault in MongoDB", () => {
  inboundVaultConformance(() => mongo.inbounds);

  it("tells of which places it has one, and has nothing of those that are removed", async () => {
    for (const name of ["gone-1", "gone-1/more"]) await mongo.inbounds.save(name, "made");
    expect(await other.inbounds.names()).toEqual(expect.arrayContaining(["gone-1", "gone-1/more"]));
    await other.inbounds.remove(["gone-1", "gone-2"]);
    expect([await mongo.inbounds.load("gone-1"), await mongo.inbounds.load("gone-1/more")]).toEqual([null, "made"]);
    expect(await mongo.inbounds.names()).not.toContain("gone-1");
  });
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
describe("the events of tokens in MongoDB", () => {
  const stamp = { actor: { name: "admin", address: null, requestId: "r-1" }, at: 1_703_520_000 };

  it("are born with a token and its end, of which nothing stays but its event", async () => {
    const { text: _, ...token } = storedToken({ expiresAt: 1_900_000_000 });
    const shown = { id: token.id, name: token.name, expiresAt: token.expiresAt };
    await mongo.tokens.insert(token, stamp);
    const [created] = await other.tokenOutbox.pending([token.id]);
    expect(created).toMatchObject({ ...stamp, type: "token.created", token: shown });
    expect(await other.tokenOutbox.unlogged()).toContain(token.id);
    await other.tokenOutbox.mark([{ id: `token.created-${token.id}` }]);
    expect(await other.tokenOutbox.pending([token.id])).toEqual([]);
    expect(await other.tokens.find(token.id)).toEqual(token);
    const ends = await Promise.all([mongo.tokens.remove(token.id, stamp), other.tokens.remove(token.id, stamp)]);
    expect(ends.filter((end) => end)).toHaveLength(1);
    expect(await other.tokens.find(token.id)).toBeNull();
    expect((await other.tokens.list()).map(({ id }) => id)).not.toContain(token.id);
    const { text: _text, ...another } = storedToken({ name: token.name });
    expect(await mongo.tokens.insert(another)).toBe("inserted");
    const [deleted, ...more] = await other.tokenOutbox.pending([token.id]);
    expect([deleted, more]).toMatchObject([{ ...stamp, type: "token.deleted", token: shown }, []]);
    await other.tokenOutbox.mark([{ id: `token.deleted-${token.id}` }]);
    expect(await other.tokenOutbox.pending([token.id])).toEqual([]);
    expect(await other.tokenOutbox.unlogged()).not.toContain(token.id);
  });

  it("leave nothing of a removed token that opens anything to a version that knows nothing of its end", async () => {
    const { text: _, ...token } = storedToken({});
    await mongo.tokens.insert(token, stamp);
    await mongo.tokens.remove(token.id, stamp);
    const left = await mongo.connection.collection("tokens").findOne({ hash: token.hash });
    expect(left).toBeNull();
  });
});
describe("the states of nodes in MongoDB", () => {
  it("are those of the highest revision, without the changes that are logged", async () => {
    const change = (revision: number) => ({ id: `eu-1-${revision}`, isDown: revision % 2 === 1, at: revision });
    const state = (...revisions: number[]) => {
      const revision = Math.max(...revisions);
      return { node: "eu-1", revision, isDown: revision % 2 === 1, outbox: revisions.map(change) };
    };
    expect(await other.nodeStates.find(["eu-1"])).toEqual([]);
    await mongo.nodeStates.raise(state(1));
    await mongo.nodeStates.raise(state(1, 2));
    await other.nodeStates.raise(state(1));
    expect(await other.nodeStates.find(["eu-1", "eu-2"])).toEqual([state(1, 2)]);
    expect(await other.nodeStates.names()).toEqual(["eu-1"]);
    await other.nodeStates.mark("eu-1", ["node:eu-1-1"]);
    expect(await mongo.nodeStates.find(["eu-1"])).toEqual([state(2)]);
    await other.nodeStates.remove(["eu-1", "eu-2"]);
    expect(await mongo.nodeStates.names()).toEqual([]);
  });
});
describe("the log of events in MongoDB", () => {
  eventLogConformance(() => ({ log: mongo.events, other: other.events }));
});
describe("the fleet in MongoDB", () => {
  fleetStoreConformance(() => ({ store: mongo.fleet, other: other.fleet }));
});
describe("the webhook store in MongoDB", () => {
  webhookStoreConformance(
    () => mongo.webhooks,
    () => other.webhookOutbox,
  );
});
describe("the usage store in MongoDB", () => {
  usageStoreConformance(() => mongo.usage);
});
