import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
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

it("counts as connected for a second after a server was lost, which may be a late heartbeat", async () => {
  const direct = ownDatabase(inject("mongodbUri"));
  const { hostname, port } = new URL(direct);
  const sockets = new Set<Socket>();
  const way = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) sockets.add(socket.on("error", () => undefined));
    near.pipe(far).pipe(near);
  });
  const proxyPort = await listen(way, 0);
  const uri = new URL(direct);
  uri.host = `127.0.0.1:${proxyPort}`;
  const mongodb = connectMongo({ uri: uri.href, onError: () => undefined });
  expect(mongodb.connected).toBe(false);
  await mongodb.connection.asPromise();

  const disconnected = once(mongodb.connection, "disconnected");
  way.close();
  for (const socket of sockets) socket.destroy();
  await disconnected;
  const lostAt = performance.now();
  expect([mongodb.connection.readyState, mongodb.connected]).toEqual([0, true]);
  await vi.waitFor(() => expect(mongodb.connected).toBe(false), { interval: 10 });
  expect(performance.now() - lostAt).toBeGreaterThan(900);

  await listen(way, proxyPort);
  await vi.waitFor(() => expect(mongodb.connected).toBe(true));
  await mongodb.close();
  for (const socket of sockets) socket.destroy();
  way.close();
});

async function listen(server: Server, port: number): Promise<number> {
  await once(server.listen(port, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a port");
  return address.port;
}
