import { UnreadableRecordError } from "@veil/keys";
import { activeKey, claimKey, goneKey, keyWith, versionOf } from "@veil/keys/testing";
import { storedToken } from "@veil/tokens/testing";
import { compact, keyEntity, knownOf, observe, readable, totals, updateOf } from "@veil/traffic";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";
import type { UnreadableRecord } from "./read-documents.ts";

type Document = { readonly _id: string } & Record<string, unknown>;

const EPOCH = 1_763_923_456;
const unreadable: UnreadableRecord[] = [];
let store: TestStore;

beforeAll(async () => {
  store = await openTestStore({ onUnreadable: (record) => unreadable.push(record) });
  await store.housekeeping.prepare();
});

afterEach(() => {
  unreadable.length = 0;
});

afterAll(async () => {
  await store.connection.dropDatabase();
  await store.close();
});

const collection = (name: string) => store.connection.collection<Document>(name);
const stored = (name: string, id: string) => collection(name).findOne({ _id: id });
const set = (name: string, id: string, fields: Record<string, unknown>) =>
  collection(name).updateOne({ _id: id }, { $set: fields });
const namesOf = (records: readonly UnreadableRecord[]) => records.map(({ collection: name, id }) => `${name} ${id}`);

function reading(entity: string, up: number, epoch = EPOCH) {
  return updateOf(entity, [observe(knownOf(null, "main", epoch), { node: "main", epoch, up, down: up })], 1);
}

describe("a field that only a newer version knows", () => {
  it("of a key is passed over and kept through its whole life", async () => {
    const key = await activeKey(store.keys);
    const id = String(key.keyId);
    await set("keys", id, { expires_at: 2_000_000_000 });
    expect(await store.keys.find(key.keyId)).toEqual(key);
    expect((await store.desired.findDesired()).has(key.keyId)).toBe(true);
    await store.keys.markIndeterminate(key.keyId, "main");
    await store.keys.beginDeletion(key.keyId, "delete-a");
    await store.keys.finishDeletion(key.keyId);
    expect(await stored("keys", id)).toMatchObject({ phase: 3, expires_at: 2_000_000_000 });
    expect(unreadable).toEqual([]);
  });

  it("of a claim is passed over and kept", async () => {
    const claim = await claimKey(store.keys, { deadline: 1 });
    await set("creations", claim.job, { limit: 5 });
    expect(await store.keys.findOverdue(Date.now())).toContainEqual(claim);
    expect(await stored("creations", claim.job)).toMatchObject({ limit: 5 });
  });

  it("of a traffic record stays when the record is compacted", async () => {
    const entity = keyEntity(7_001);
    const before = await store.traffic.write(reading(entity, 100));
    await set("traffic", entity, { limit: 5 });
    expect(await store.traffic.replace(before, compact(before))).toBe(true);
    expect(await store.traffic.find(entity)).toEqual(compact(before));
    expect(await stored("traffic", entity)).toMatchObject({ limit: 5 });
  });

  it("of a node's lives and of an inbound stays", async () => {
    const lives = { node: "n", revision: 1, marks: [], restarts: 0, seenAt: 0, seenEpoch: 0 };
    await store.nodeLives.replace(null, lives);
    await store.inbounds.save("n", "a");
    for (const name of ["node_epochs", "inbounds"]) await set(name, "n", { newer: true });
    expect(await store.nodeLives.replace(lives, { ...lives, revision: 2 })).toBe(true);
    await store.inbounds.save("n", "b");
    expect(await stored("node_epochs", "n")).toMatchObject({ revision: 2, newer: true });
    expect(await stored("inbounds", "n")).toMatchObject({ inbound: "b", newer: true });
  });
});

describe("an owner", () => {
  it("that no document names is nobody, and what nobody has is stored as before there were owners", async () => {
    const key = await activeKey(store.keys);
    const claim = await claimKey(store.keys);
    for (const [name, id] of [
      ["keys", String(key.keyId)],
      ["creations", claim.job],
    ] as const) {
      expect(await stored(name, id)).not.toHaveProperty("owner");
    }
    expect([key.owner, (await store.keys.findCreation(claim.job))?.owner]).toEqual([null, null]);
    const externalId = `tg-${key.keyId}`;
    await store.externalIds.claim({ externalId, owner: null }, key.keyId);
    expect(await stored("external_ids", externalId)).toMatchObject({ key_id: key.keyId });
  });

  it("stands beside what an older version reads of a key, a claim, a batch and a token", async () => {
    const owner = "shop";
    const key = await activeKey(store.keys, { owner });
    const claim = await claimKey(store.keys, { owner });
    expect([key.owner, (await store.keys.findCreation(claim.job))?.owner]).toEqual([owner, owner]);
    expect(await stored("keys", String(key.keyId))).toMatchObject({ owner, key_id: key.keyId, phase: 1 });
    const job = `update-batch-${key.keyId}`;
    await store.batches.begin({ job, owner, change: "{}" }, (async function* none() {})());
    expect((await store.batches.find(job))?.owner).toBe(owner);
    await collection("key_batches").updateOne({ _id: job }, { $unset: { owner: true } });
    expect((await store.batches.find(job))?.owner).toBeNull();
    const { text: _, ...token } = storedToken({ name: "shop" });
    await store.tokens.insert(token);
    expect(await stored("tokens", token.id)).toMatchObject({ name: "shop" });
  });
});

describe("a key's terms", () => {
  it("that an older version made none of are those of an unlimited key, until somebody changes them", async () => {
    const key = await activeKey(store.keys, { name: "older" });
    const id = String(key.keyId);
    const document = await stored("keys", id);
    expect(document).not.toHaveProperty("terms");
    expect(key).toMatchObject({ terms: { revision: 1, enabled: true, groups: ["default"] }, changedBy: [] });
    const after = await store.keys.change(key.keyId, versionOf(key, { enabled: false }, { name: "newer" }));
    expect(after).toMatchObject({ name: "newer", terms: { revision: 2, enabled: false } });
    // The fields that an older version reads stay as it knows them.
    expect(await stored("keys", id)).toMatchObject(document ?? {});
    expect((await store.desired.findDesired()).has(key.keyId)).toBe(false);
  });

  it("do not say when they were changed by an older version", async () => {
    const changes = { changedBy: ["change-1"], changedAt: [1_800_000_000] };
    const { keyId } = await keyWith(store.keys, { tag: "timed" }, changes);
    expect(await store.keys.find(keyId)).toMatchObject(changes);
    await collection("keys").updateOne({ _id: String(keyId) }, { $unset: { "terms.changed_at": true } });
    expect(await store.keys.find(keyId)).toMatchObject({ ...changes, changedAt: [null] });
  });

  it("are read although a newer version knows more of them", async () => {
    const key = await keyWith(store.keys, { tag: "t", externalId: "newer-1" });
    await set("keys", String(key.keyId), { "terms.color": "red" });
    expect(await store.keys.find(key.keyId)).toEqual(key);
    expect(await store.keyReader.countActive({ at: 0, tag: "t" })).toBe(1);
    await store.keys.markIndeterminate(key.keyId, "main");
    expect(await stored("keys", String(key.keyId))).toMatchObject({ terms: { color: "red" } });
    const later = await store.keys.change(key.keyId, versionOf(key, { tag: "u" }));
    expect(later?.terms.tag).toBe("u");
    expect(unreadable).toEqual([]);
  });
});

it("an event of a newer version is passed over, kept, and never compacted away", async () => {
  const entity = keyEntity(7_002);
  const event = { kind: "pause", version: 0, at: 5 };
  await store.traffic.write(reading(entity, 100));
  await collection("traffic").updateOne({ _id: entity }, { $set: { log: [event] } });
  const record = await store.traffic.find(entity);
  expect(record && totals(record)).toEqual({ up: 100, down: 100 });
  expect(await store.traffic.writeMany([reading(entity, 120)])).toEqual(new Set());
  const later = await store.traffic.find(entity);
  expect(later && totals(later)).toEqual({ up: 120, down: 120 });
  if (later !== null) expect(await store.traffic.replace(later, compact(later))).toBe(false);
  expect(await stored("traffic", entity)).toMatchObject({ log: [event] });
  expect(unreadable).toEqual([]);
});

it("a record with a multiplier has an event that 1.4 does not know, also once it is compacted, and so is left alone by it", async () => {
  const known = new Set(["fall", "reset"]);
  const isLeftAlone = async (id: string) => {
    const { log } = z.object({ log: z.array(z.object({ kind: z.string() })) }).parse(await stored("traffic", id));
    return log.some(({ kind }) => !known.has(kind));
  };
  const entity = keyEntity(7_005);
  const at = { node: "main", epoch: EPOCH };
  const twice = updateOf(entity, [observe(knownOf(null, "main", EPOCH), { ...at, up: 100, down: 100 }, 2)], 1);
  const before = await store.traffic.write(twice);
  expect(await isLeftAlone(entity)).toBe(true);
  expect(await store.traffic.replace(before, compact(before))).toBe(true);
  expect(await isLeftAlone(entity)).toBe(true);
  const compacted = await store.traffic.find(entity);
  const plain = updateOf(entity, [observe(knownOf(compacted, "main", EPOCH), { ...at, up: 120, down: 120 })], 1);
  const after = await store.traffic.write(plain);
  expect(totals(after)).toEqual({ up: 220, down: 220 });
  expect(await store.traffic.replace(after, compact(after))).toBe(true);
  expect(await isLeftAlone(entity)).toBe(false);
});

describe("a document that makes no sense fails alone", () => {
  it("in lists of keys and among desired users, where the others stay", async () => {
    const [good, bad] = [await activeKey(store.keys), await activeKey(store.keys)];
    await set("keys", String(bad.keyId), { uuid: 7 });
    const desired = await store.desired.findDesired();
    expect([desired.has(good.keyId), desired.has(bad.keyId)]).toEqual([true, false]);
    const listed: number[] = [];
    for await (const group of store.keyReader.listActive()) listed.push(...group.map(({ keyId }) => keyId));
    expect(listed).toContain(good.keyId);
    expect(listed).not.toContain(bad.keyId);
    expect(new Set(namesOf(unreadable))).toEqual(new Set([`keys ${bad.keyId}`]));
  });

  it("with an error for whoever asks for it by its id, instead of a wrong answer", async () => {
    const bad = await activeKey(store.keys);
    await set("keys", String(bad.keyId), { phase: "x" });
    await expect(store.keys.find(bad.keyId)).rejects.toThrow(UnreadableRecordError);
    await expect(store.keyReader.findMany([bad.keyId])).rejects.toThrow(`keys: the document ${bad.keyId}`);
    await expect(store.keyReader.findByCreateJobs([bad.job])).rejects.toThrow(UnreadableRecordError);
    expect(namesOf(unreadable)).toEqual(Array.from({ length: 3 }, () => `keys ${bad.keyId}`));
  });

  it("among claims and keys that are left to finish", async () => {
    const good = await claimKey(store.keys, { deadline: 1 });
    const bad = await claimKey(store.keys, { deadline: 1 });
    await set("creations", bad.job, { created_at: "x" });
    expect((await store.keys.findOverdue(Date.now())).map(({ job }) => job)).toContain(good.job);
    expect((await store.desired.findCreating()).map(({ job }) => job)).toContain(good.job);
    expect(await stored("creations", bad.job)).toMatchObject({ decided: false });

    const [deleting, broken] = [await activeKey(store.keys), await goneKey(store.keys)];
    await store.keys.beginDeletion(deleting.keyId, "delete-a");
    await store.keys.markIndeterminate(broken.keyId, "main");
    await set("keys", String(broken.keyId), { job: 5 });
    expect(
      (await store.keys.findUncleared([{ name: "main", groups: ["default"] }], Date.now())).map(({ keyId }) => keyId),
    ).toContain(deleting.keyId);
  });

  it("among the traffic records that are written together", async () => {
    const [first, bad, last] = [keyEntity(7_009), keyEntity(7_010), keyEntity(7_011)];
    await collection("traffic").insertOne({ _id: bad, live: { [`main:${EPOCH}:0`]: "x" } });
    const updates = [first, bad, last].map((entity) => reading(entity, 5));
    expect(await store.traffic.writeMany(updates)).toEqual(new Set([bad]));
    expect([...readable(await store.traffic.findMany([first, last])).values()].map(totals)).toEqual([
      { up: 5, down: 5 },
      { up: 5, down: 5 },
    ]);
  });

  it("among the histories that are written together", async () => {
    const [good, bad] = [keyEntity(7_007), keyEntity(7_008)];
    await collection("usage").insertOne({ _id: bad, hours: { 1: "x" } });
    const raised = (entity: string) => ({
      ...{ entity, hours: { 1: { up: 5, down: 5 } } },
      ...{ days: {}, oldHours: [], oldDays: [] },
    });
    expect(await store.usage.writeMany([raised(bad), raised(good)])).toEqual(new Set([bad]));
    expect(await store.usage.readUsage(good)).toMatchObject({ hours: { 1: { up: 5, down: 5 } } });
    expect((await store.usage.readMany([bad, good])).get(bad)).toBe("unreadable");
  });

  it("among the traffic records of many entities", async () => {
    const [good, bad, odd] = [keyEntity(7_003), keyEntity(7_004), keyEntity(7_006)];
    await store.traffic.writeMany([reading(good, 5), reading(bad, 5), reading(odd, 5)]);
    await set("traffic", bad, { revision: "x" });
    await set("traffic", odd, { live: { "main:7": { up: 5 } } });
    const found = await store.traffic.findMany([good, bad, odd]);
    expect([...readable(found).values()].map(totals)).toEqual([{ up: 5, down: 5 }]);
    expect([found.get(bad), found.get(odd), found.get("7")]).toEqual(["unreadable", "unreadable", undefined]);
    await expect(store.traffic.find(bad)).rejects.toThrow(/revision/);
    expect(namesOf(unreadable).toSorted()).toEqual([`traffic ${bad}`, `traffic ${bad}`, `traffic ${odd}`]);
  });
});
