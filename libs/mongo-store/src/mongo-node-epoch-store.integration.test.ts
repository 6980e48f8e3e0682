import { randomUUID } from "node:crypto";
import { ownDatabase } from "@veil/test-support";
import type { NodeLivesStore } from "@veil/traffic-ledger";
import { addMark, InMemoryNodeLivesStore } from "@veil/traffic-ledger";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connectMongo, type MongoConnection } from "./connect-mongo.ts";
import { MongoNodeEpochStore } from "./mongo-node-epoch-store.ts";

const NOW = 1_763_923_456_789;
let mongodb: MongoConnection;

beforeAll(async () => {
  mongodb = connectMongo({
    uri: ownDatabase(inject("mongodbUri")),
    onError: (error) => {
      throw error;
    },
  });
  await mongodb.connection.asPromise();
});

afterAll(async () => {
  await mongodb.connection.dropDatabase();
  await mongodb.close();
});

describe.each<[string, () => NodeLivesStore]>([
  ["in memory", () => new InMemoryNodeLivesStore()],
  ["in MongoDB", () => new MongoNodeEpochStore(mongodb)],
])("a store of node lives %s", (_, open) => {
  it("finds nothing of a node that was never seen", async () => {
    expect(await open().find(randomUUID())).toBeNull();
  });

  it("finds what was stored", async () => {
    const [store, node] = [open(), randomUUID()];
    const lives = addMark(null, node, "a", NOW, NOW);
    expect(await store.replace(null, lives)).toBe(true);
    expect(await store.find(node)).toEqual(lives);
  });

  it("of 20 first marks at once exactly one is stored", async () => {
    const [store, node] = [open(), randomUUID()];
    const stored = await Promise.all(
      Array.from({ length: 20 }, (__, index) => store.replace(null, addMark(null, node, `mark-${index}`, NOW, NOW))),
    );
    expect(stored.filter(Boolean)).toHaveLength(1);
  });

  it("of 20 further marks at once exactly one is stored, and what was seen meanwhile stays", async () => {
    const [store, node] = [open(), randomUUID()];
    const first = addMark(null, node, "a", NOW, NOW);
    await store.replace(null, first);
    await store.raiseSeen(node, 7, NOW + 5);
    const stored = await Promise.all(
      Array.from({ length: 20 }, (__, index) =>
        store.replace(first, addMark(first, node, `mark-${index}`, NOW + 100, NOW + 100)),
      ),
    );
    expect(stored.filter(Boolean)).toHaveLength(1);
    expect(await store.find(node)).toMatchObject({ revision: 2, restarts: 1, seen_at: NOW + 5, seen_epoch: 7 });
  });

  it("only ever raises the time of the last reading, and makes no node of it", async () => {
    const [store, node] = [open(), randomUUID()];
    await store.raiseSeen(node, 7, NOW);
    expect(await store.find(node)).toBeNull();
    await store.replace(null, addMark(null, node, "a", NOW, NOW));
    for (const [epoch, at] of [
      [8, NOW + 2],
      [7, NOW + 1],
    ] as const)
      await store.raiseSeen(node, epoch, at);
    expect(await store.find(node)).toMatchObject({ seen_at: NOW + 2, seen_epoch: 8 });
  });
});
