import { once } from "node:events";
import { ownDatabase } from "@veil/test-support";
import { afterEach, expect, inject, it, vi } from "vitest";
import { connectMongo } from "./connect-mongo.ts";

afterEach(() => {
  vi.useRealTimers();
});

it("connects anew, for everybody who holds a collection, when the client's monitor waits for ever", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const errors: Error[] = [];
  const mongodb = connectMongo({ uri: ownDatabase(inject("mongodbUri")), onError: (error) => errors.push(error) });
  await mongodb.connection.asPromise();
  const pets = mongodb.connection.collection("pets");
  await pets.insertOne({ name: "Rex" });

  const client = mongodb.connection.getClient();
  const opened = once(client, "topologyOpening");
  const event = {
    connectionId: "a monitor of which nothing is heard any more",
    awaited: false,
    name: "serverHeartbeatStarted" as const,
  };
  client.emit("serverHeartbeatStarted", event);
  vi.advanceTimersByTime(10_000);
  await opened;
  await client.connect();

  expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining("reconnecting")]);
  expect(await pets.countDocuments({ name: "Rex" })).toBe(1);
  await mongodb.ping();
  expect(mongodb.connected).toBe(true);
  await mongodb.connection.dropDatabase();
  await mongodb.close();
});

it("reads from the primary and waits for acknowledged writes, whatever the address says", async () => {
  const ignored: string[] = [];
  const address = `${ownDatabase(inject("mongodbUri"))}?readPreference=secondaryPreferred&w=0&journal=false&wtimeoutMS=1`;
  const mongodb = connectMongo({
    uri: address,
    writes: true,
    onError: () => undefined,
    onIgnored: (options) => void ignored.push(...options),
  });
  await mongodb.connection.asPromise();
  const { readPreference, readConcern, writeConcern } = mongodb.connection.getClient().options;
  expect([readPreference.mode, readConcern]).toEqual(["primary", undefined]);
  expect(writeConcern).toMatchObject({ w: "majority", j: true });
  expect(ignored).toEqual(["readPreference", "w", "journal", "wtimeoutMS"]);

  await mongodb.ping();
  await mongodb.ping();
  expect(await mongodb.connection.collection("probes").countDocuments({})).toBe(1);
  await mongodb.connection.dropDatabase();
  await mongodb.close();
});

it("writes nothing for a process that only reads", async () => {
  const mongodb = connectMongo({ uri: ownDatabase(inject("mongodbUri")), onError: () => undefined });
  await mongodb.connection.asPromise();
  await mongodb.ping();
  expect(await mongodb.connection.listCollections()).toEqual([]);
  await mongodb.close();
});
