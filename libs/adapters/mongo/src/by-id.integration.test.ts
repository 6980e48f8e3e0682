import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { StoreUnavailableError } from "@veil/keys";
import { ownDatabase } from "@veil/test-support";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { FindById, UpdatesById } from "./by-id.ts";
import { engineOf } from "./engine.ts";
import { type MongoStore, openMongoStore } from "./open-mongo-store.ts";

const uri = new URL(ownDatabase(inject("mongodbUri")));
let proxy: Server;
let mongo: MongoStore;
let isCutting = false;

/** Passes everything on, but cuts a connection instead of passing on an insert. */
function startCuttingProxy({ hostname: host, port }: URL): Server {
  return createServer((client) => {
    const upstream = connect({ host, port: Number(port) });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on("error", () => socket.destroy());
      socket.on("close", () => other.destroy());
      socket.on("data", (chunk: Buffer) => {
        if (isCutting && socket === client && chunk.includes("insert\0")) socket.destroy();
        else other.write(chunk);
      });
    }
  }).listen(0, "127.0.0.1");
}

beforeAll(async () => {
  proxy = startCuttingProxy(new URL(uri));
  await once(proxy, "listening");
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  uri.host = `127.0.0.1:${address.port}`;
  mongo = openMongoStore({ uri: uri.href, onError: () => undefined });
  await mongo.connection.asPromise();
  await mongo.housekeeping.prepare();
});

afterAll(async () => {
  isCutting = false;
  await mongo.connection.dropDatabase();
  await mongo.close();
  proxy.close();
  await once(proxy, "close");
});

function request() {
  return {
    job: `create-${randomUUID()}`,
    uuid: randomUUID(),
    flow: "" as const,
    name: null,
    owner: null,
    createdAt: 1,
    deadline: 2,
  };
}

test.for([1, 3])("of %i inserts whose connection is cut none counts as done", async (count) => {
  const decisions = await Promise.all(
    Array.from({ length: count }, async () => {
      const creation = await mongo.keys.claim(request());
      if (creation === null) throw new Error("nothing was claimed");
      return { ...creation, phase: "active", indeterminate: [] } as const;
    }),
  );
  isCutting = true;
  const ends = await Promise.allSettled(decisions.map((decision) => mongo.keys.decide(decision)));
  isCutting = false;
  for (const end of ends) {
    expect(end.status === "rejected" && end.reason instanceof StoreUnavailableError).toBe(true);
  }
  for (const { keyId } of decisions) expect(await mongo.keys.find(keyId)).toBeNull();
});

test("an update is carried out whole, also when its last operator alone would change nothing", async () => {
  const collection = mongo.connection.collection<{ readonly _id: string; readonly n: number; readonly same: number }>(
    "updates",
  );
  await collection.insertOne({ _id: "a", n: 0, same: 5 });
  await new UpdatesById(collection).update("a", { $inc: { n: 1 }, $set: { same: 5 } });
  expect(await collection.findOne({ _id: "a" })).toMatchObject({ n: 1, same: 5 });
});

test("an update that is refused is the one that fails, and keeps no other from being made", async () => {
  type Counted = { readonly _id: string; readonly counts: { readonly up: number } | string };
  const collection = mongo.connection.collection<Counted>("refused_updates");
  const ids = ["a", "b", "damaged", "c", "d"];
  await collection.insertMany(ids.map((_id) => ({ _id, counts: _id === "damaged" ? "x" : { up: 1 } })));
  const updates = new UpdatesById(collection);
  const ends = await Promise.allSettled(ids.map((id) => updates.update(id, { $max: { "counts.up": 2 } })));
  expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"]);
  const made = await collection.find({ "counts.up": 2 }).toArray();
  expect(made.map(({ _id }) => _id).toSorted()).toEqual(["a", "b", "c", "d"]);
});

test("an engine that scans for several ids scans for as many as that is worth, by the size it met last", async (context) => {
  const { findsManyByIndex, foundWithoutScan, scannedPerFind } = await engineOf(mongo.connection);
  context.skip(findsManyByIndex, "this engine finds several ids by its index");
  const collection = mongo.connection.collection<{ readonly _id: string }>("many");
  const ids = Array.from({ length: 2 * foundWithoutScan }, (_, index) => String(index));
  await collection.insertMany(ids.map((_id) => ({ _id })));
  const [scans, finds] = [vi.spyOn(collection, "find"), vi.spyOn(collection, "findOne")];
  const many = new FindById(mongo.connection, collection);
  const costs = async (count: number) => {
    scans.mockClear();
    finds.mockClear();
    const wanted = ids.slice(-count);
    expect((await many.findAll(wanted)).map(({ _id }) => _id).toSorted()).toEqual(wanted.toSorted());
    return [scans.mock.calls.length, finds.mock.calls.length];
  };
  expect(await costs(foundWithoutScan)).toEqual([0, foundWithoutScan]);
  expect(await costs(foundWithoutScan + 1)).toEqual([1, 0]);
  const worth = ids.length / scannedPerFind;
  expect([await costs(worth), await costs(worth + 1)]).toEqual([
    [0, worth],
    [1, 0],
  ]);
});
