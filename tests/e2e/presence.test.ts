import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { startVpnClient, type VpnClient } from "../support/vpn-client.ts";

const SYNC_SECONDS = 5;
const PATIENCE_MS = 45_000;
/** The nodes are waited for 1.5 seconds, and a busy machine takes its time. */
const ANSWERED_WITHIN_MS = 8_000;

const keySchema = z.looseObject({ key_id: z.number(), online_at: z.number().nullable() });
const nodeSchema = z.object({
  name: z.string(),
  online: z.boolean().nullable(),
  addresses: z.array(z.string()).nullable(),
  detail: z.string().nullable(),
});
const presenceSchema = z.object({
  key_id: z.number(),
  online: z.boolean(),
  addresses: z.array(z.string()).nullable(),
  online_at: z.number().nullable(),
  nodes: z.array(nodeSchema),
});
const countsSchema = z.object({
  online: z.number(),
  nodes: z.array(z.object({ name: z.string(), online: z.number().nullable(), detail: z.string().nullable() })),
});

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
/** Sends back what it gets. */
let echo: Server;
const clients: VpnClient[] = [];
const connections: Socket[] = [];

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  echo = createServer((socket) => socket.on("error", () => socket.destroy()).pipe(socket)).listen(0, "127.0.0.1");
  await once(echo, "listening");
  stack = await startStack(dataDir.path, { TRAFFIC_SYNC_INTERVAL_SECONDS: String(SYNC_SECONDS) });
});

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.destroy();
  await Promise.all(clients.splice(0).map((client) => client.stop()));
});

afterAll(async () => {
  await stack.stop();
  echo.close();
  await dataDir.remove();
});

async function call(method: string, path: string): Promise<unknown> {
  const response = await fetch(`${stack.apiUrl}/api${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.apiKey}` },
  });
  const answer = await response.text();
  expect([response.status, answer]).toEqual([200, expect.anything()]);
  return JSON.parse(answer);
}

const makeKey = async () => keySchema.parse(await call("POST", "/keys")).key_id;
const presenceOf = async (keyId: number) => presenceSchema.parse(await call("GET", `/keys/${keyId}/online`));
const counts = async () => countsSchema.parse(await call("GET", "/online"));

/** Opens a connection through the node that stays open, of a client that comes from an address of this machine. */
async function connect(keyId: number, from: string): Promise<Socket> {
  const { vless_link: link } = z.object({ vless_link: z.string() }).parse(await call("GET", `/keys/${keyId}/link`));
  const client = await startVpnClient((await stack.readRunFile()).xray.binary, link, from);
  clients.push(client);
  const address = echo.address();
  if (address === null || typeof address === "string") throw new Error("the echo server has no port");
  const connection = await client.connect(`127.0.0.1:${address.port}`);
  connections.push(connection);
  connection.on("error", () => connection.destroy());
  connection.write("ping");
  await once(connection, "data");
  return connection;
}

test("a key is online from the addresses of its connections, as long as these are open", async () => {
  const keyId = await makeKey();
  const nobody = { name: "main", online: false, addresses: [], detail: null };
  expect(await presenceOf(keyId)).toEqual({
    key_id: keyId,
    online: false,
    addresses: [],
    online_at: null,
    nodes: [nobody],
  });
  const before = await counts();
  const first = await connect(keyId, "127.0.0.2");
  const second = await connect(keyId, "127.0.0.3");
  const both = { online: true, addresses: ["127.0.0.2", "127.0.0.3"] };
  expect(await presenceOf(keyId)).toMatchObject({ ...both, nodes: [{ name: "main", ...both, detail: null }] });
  await vi.waitFor(
    async () => {
      const { online, nodes } = await counts();
      expect([online, nodes]).toEqual([before.online + 1, [{ name: "main", online: 1, detail: null }]]);
    },
    { timeout: PATIENCE_MS, interval: 500 },
  );
  first.destroy();
  await vi.waitFor(async () => expect((await presenceOf(keyId)).addresses).toEqual(["127.0.0.3"]), {
    timeout: PATIENCE_MS,
    interval: 250,
  });
  second.destroy();
  await vi.waitFor(async () => expect((await presenceOf(keyId)).nodes).toEqual([nobody]), {
    timeout: PATIENCE_MS,
    interval: 250,
  });
});

test("who comes from the node's own loopback has no address, and is online by the bytes, as list and figures have it", async () => {
  const keyId = await makeKey();
  await connect(keyId, "127.0.0.1");
  await vi.waitFor(
    async () => {
      const { online, addresses, online_at } = await presenceOf(keyId);
      expect([online, addresses, online_at]).toEqual([true, [], expect.any(Number)]);
      expect(await call("GET", `/keys?online=true&after=${keyId - 1}`)).toMatchObject({
        keys: [{ key_id: keyId, online_at }],
      });
    },
    { timeout: PATIENCE_MS, interval: 500 },
  );
  expect((await counts()).online).toBeGreaterThanOrEqual(1);
});

test("while the collector or the node is silent the answer says so, and follows from the bytes", async () => {
  const keyId = await makeKey();
  const connection = await connect(keyId, "127.0.0.2");
  const counted = () =>
    vi.waitFor(
      async () => {
        connection.write("ping");
        const { online_at: onlineAt } = await presenceOf(keyId);
        expect(onlineAt ?? 0).toBeGreaterThan(Date.now() / 1_000 - 2 * SYNC_SECONDS);
      },
      { timeout: PATIENCE_MS, interval: 500 },
    );
  const run = await stack.readRunFile();
  for (const [process_, detail] of [
    [run["stats-collector"], "the collector did not answer"],
    [run.xray, "the node did not answer"],
  ] as const) {
    await counted();
    process.kill(process_.pid, "SIGSTOP");
    try {
      const begun = performance.now();
      const { online, addresses, nodes } = await presenceOf(keyId);
      expect([online, addresses, nodes]).toEqual([
        true,
        null,
        [{ name: "main", online: null, addresses: null, detail }],
      ]);
      expect(performance.now() - begun).toBeLessThan(ANSWERED_WITHIN_MS);
    } finally {
      process.kill(process_.pid, "SIGCONT");
    }
    await vi.waitFor(async () => expect((await presenceOf(keyId)).addresses).toEqual(["127.0.0.2"]), {
      timeout: PATIENCE_MS,
      interval: 500,
    });
  }
});
