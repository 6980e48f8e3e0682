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
