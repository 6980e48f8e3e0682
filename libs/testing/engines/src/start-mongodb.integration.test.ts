import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mongo } from "mongoose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EngineStartError } from "./engine-errors.ts";
import { findMongodb } from "./find-mongodb.ts";
import { type MongodbEngine, type RunningMongodb, startMongodb } from "./start-mongodb.ts";

interface Entry {
  _id: string;
  value: number;
  filler?: string;
}

let engine: MongodbEngine;
let dataDir: string;
let mongodb: RunningMongodb;
let client: mongo.MongoClient;
let entries: mongo.Collection<Entry>;

beforeAll(async () => {
  engine = await findMongodb({ progress: console.log });
  dataDir = await mkdtemp(join(tmpdir(), "veil-mongodb-"));
  mongodb = await startMongodb({ engine, dataDir });
  client = await connectTo(mongodb);
  entries = client.db().collection<Entry>("entries");
});

beforeEach(async () => {
  await entries.deleteMany({});
});

afterAll(async () => {
  await client.close();
  await mongodb.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** @param awayForMs how long a call waits for one that is away */
function connectTo({ uri }: RunningMongodb, awayForMs = 20_000): Promise<mongo.MongoClient> {
  const writeConcern = { w: "majority", journal: true } as const;
  return new mongo.MongoClient(uri, { maxPoolSize: 64, serverSelectionTimeoutMS: awayForMs, writeConcern }).connect();
}

describe("the MongoDB that was found or built", () => {
  test("gives 2,000 concurrent increments 2,000 distinct values", async () => {
    const increments = Array.from({ length: 2_000 }, () =>
      entries.findOneAndUpdate({ _id: "counter" }, { $inc: { value: 1 } }, { upsert: true, returnDocument: "after" }),
    );
    const values = (await Promise.all(increments)).map((document) => document?.value);
    expect(new Set(values).size).toBe(2_000);
    expect(Math.max(...values.map(Number))).toBe(2_000);
  });

  test("lets exactly one of 30 inserts with one _id win, and rejects the others with code 11000", async () => {
    const inserts = Array.from({ length: 30 }, (_, value) => entries.insertOne({ _id: "claimed", value }));
    const outcomes = await Promise.allSettled(inserts);
    expect(outcomes.filter((one) => one.status === "fulfilled")).toHaveLength(1);
    const losers = outcomes.filter((one) => one.status === "rejected");
    expect(losers).toHaveLength(29);
    for (const loser of losers) expect(loser).toMatchObject({ reason: { code: 11_000 } });
  });

  test("never lowers a value that only $max writes", async () => {
    await entries.insertOne({ _id: "rank", value: 0 });
    const order = Array.from({ length: 200 }, (_, index) => (index * 77) % 200);
    await Promise.all(order.map((value) => entries.updateOne({ _id: "rank" }, { $max: { value } })));
    expect((await entries.findOne({ _id: "rank" }))?.value).toBe(199);
  });

  test("takes an unordered batch but for the documents that exist already", async () => {
    await entries.insertOne({ _id: "7", value: -1 });
    const batch = Array.from({ length: 500 }, (_, value) => ({ _id: String(value), value }));
    await expect(entries.insertMany(batch, { ordered: false })).rejects.toMatchObject({ code: 11_000 });
    expect(await entries.countDocuments({})).toBe(500);
    expect((await entries.findOne({ _id: "7" }))?.value).toBe(-1);
  });

  test("applies 300 unordered bulk updates, also two lots of them at once", async () => {
    const lot = (value: number) =>
      entries.bulkWrite(
        Array.from({ length: 300 }, (_, index) => ({
          updateOne: { filter: { _id: String(index) }, update: { $max: { value } }, upsert: true },
        })),
        { ordered: false },
      );
    await Promise.all([lot(1), lot(2)]);
    expect(await entries.countDocuments({ value: 2 })).toBe(300);
  });

  test("carries out a write that nobody waits for", async () => {
    await entries.insertOne({ _id: "unacknowledged", value: 1 }, { writeConcern: { w: 0 } });
    await expect.poll(() => entries.findOne({ _id: "unacknowledged" })).toMatchObject({ value: 1 });
    expect(await entries.findOne({ _id: "another" })).toBeNull(); // the connection is still in step
  });

  test("answers in more than one batch, with documents of a megabyte", async () => {
    const filler = "x".repeat(1_000_000);
    for (let value = 0; value < 20; value++) await entries.insertOne({ _id: `big-${value}`, value, filler });
    const read = await entries.find({}, { batchSize: 3 }).toArray();
    expect(read.map((document) => document.filler?.length)).toEqual(Array(20).fill(1_000_000));
  });
});

describe("after kill -9 in the middle of writes", () => {
  test("every acknowledged write is there", async () => {
    const own = await mkdtemp(join(tmpdir(), "veil-mongodb-killed-"));
    let killed = await startMongodb({ engine, dataDir: own });
    const acknowledged: string[] = [];
    try {
      for (let round = 0; round < 3; round++) {
        const writer = await connectTo(killed, 3_000);
        const collection = writer.db().collection<Entry>("entries");
        const writes = Array.from({ length: 200 }, async (_, value) => {
          const _id = `${round}-${value}`;
          await collection.insertOne({ _id, value });
          acknowledged.push(_id);
          if (acknowledged.length === (round + 1) * 60) process.kill(killed.pid, "SIGKILL");
        });
        await Promise.allSettled(writes);
        await killed.exited;
        await writer.close();
        killed = await startMongodb({ engine, dataDir: own, port: killed.port });
      }
      const reader = await connectTo(killed);
      const found = await reader.db().collection<Entry>("entries").find({}).toArray();
      await reader.close();
      expect(acknowledged.length).toBeGreaterThanOrEqual(180);
      expect(found.map((document) => document._id)).toEqual(expect.arrayContaining(acknowledged));
    } finally {
      await killed.stop();
      await rm(own, { recursive: true, force: true });
    }
  });
});

describe("a second process on the same files", () => {
  test("is refused with what the engine said", async () => {
    await expect(startMongodb({ engine, dataDir })).rejects.toThrow(EngineStartError);
  });
});
