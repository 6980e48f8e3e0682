import { createHash } from "node:crypto";
import { mongo } from "mongoose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestStore, type TestStore } from "../../test/open-test-store.ts";
import { BackupDatabase, countDocuments, type DocumentsPart } from "./backup-database.ts";

/** More than one part and more than one insert. */
const MANY = 450;
const LARGE = "x".repeat(20_000);
/** A number of each kind, some of which are the same number to JavaScript. */
const KINDS = {
  int: new mongo.BSON.Int32(5),
  double: new mongo.BSON.Double(5),
  long: mongo.BSON.Long.fromNumber(5),
  large: mongo.BSON.Long.fromString("9007199254740993"),
  date: new Date(1_800_000_000_000),
  nested: { list: [1, "two", null, true] },
};

let from: TestStore;
let to: TestStore;
let source: BackupDatabase;
let target: BackupDatabase;

beforeAll(async () => {
  [from, to] = await Promise.all([openTestStore(), openTestStore()]);
  [source, target] = await Promise.all([BackupDatabase.open(from.uri), BackupDatabase.open(to.uri)]);
  await from.connection.collection("kinds").insertOne(KINDS);
  const many = Array.from({ length: MANY }, (_, index) => ({ index, LARGE }));
  await from.connection.collection("many").insertMany(many);
  await from.connection.collection<{ _id: string; value: number }>("counters").insertOne({ _id: "key_id", value: 7 });
});

afterAll(async () => {
  await Promise.all([source, target].map((database) => database.close()));
  await Promise.all([from, to].map(({ connection }) => connection.dropDatabase()));
  await Promise.all([from.close(), to.close()]);
});

async function partsOf(database: BackupDatabase): Promise<DocumentsPart[]> {
  const parts: DocumentsPart[] = [];
  for await (const part of database.documents()) parts.push(part);
  return parts;
}

test("what is written down and filled in is the same to the last bit", async () => {
  await target.clear();
  expect(await target.filled()).toEqual([]);
  const parts = await partsOf(source);
  expect(parts.filter(({ collection }) => collection === "many").length).toBeGreaterThan(1);
  expect(parts.every(({ count, bson }) => countDocuments(bson) === count)).toBe(true);
  for (const part of parts) await target.insert(part);
  expect(await target.filled()).toEqual(expect.arrayContaining(["kinds", "many", "counters"]));
  const copy = await partsOf(target);
  const digests = (all: readonly DocumentsPart[]) =>
    all.map(({ collection, bson }) => [collection, createHash("sha256").update(bson).digest("hex")]);
  expect(digests(copy)).toEqual(digests(parts));
});

test("ids that may have been handed out since are left out", async () => {
  await target.leaveOutIds();
  const counters = to.connection.collection<{ _id: string; value: number }>("counters");
  expect((await counters.findOne({ _id: "key_id" }))?.value).toBe(10_007);
});
