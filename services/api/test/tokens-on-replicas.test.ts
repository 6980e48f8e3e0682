import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { freePort, isServiceReady, type ManagedProcess, startService, untilReady } from "@veil/engines";
import { ownDatabase, ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { z } from "zod";

const SECRET = "secret-of-the-replicas-0123456789abcdefgh";
/** Within which a change is known everywhere. */
const KNOWN_MS = 2_000;

const running: ManagedProcess[] = [];
let dataDir: string;
/** Stands between the second replica and MongoDB. */
let gate: Gate;
let urls: readonly [string, string];
/** From which the second replica has its secret. */
let secretFile: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "veil-tokens-"));
  const mongodbUri = ownDatabase(inject("mongodbUri"));
  gate = await openGate(new URL(mongodbUri));
  const shared = { METRICS_HOST: "127.0.0.1", REDIS_URL: inject("redisUrl"), QUEUE_PREFIX: ownPrefix() };
  const start = async (name: "api" | "xray-worker", instance: string, env: Record<string, string>) => {
    const metricsPort = await freePort();
    const service = await startService({
      name,
      logFile: join(dataDir, `${instance}.log`),
      env: { ...shared, METRICS_PORT: String(metricsPort), LOG_LEVEL: "debug", ...env },
    });
    running.push(service);
    const isReady = () => isServiceReady(`http://127.0.0.1:${metricsPort}`);
    expect(await untilReady(service, isReady, 60_000)).toBe("ready");
  };
  const startApi = async (instance: string, uri: string, secret: Record<string, string>) => {
    const port = await freePort();
    await start("api", instance, { API_HOST: "127.0.0.1", API_PORT: String(port), MONGODB_URI: uri, ...secret });
    return `http://127.0.0.1:${port}`;
  };
  const nowhere = JSON.stringify([{ name: "test", address: "127.0.0.1:1" }]);
  secretFile = join(dataDir, "api-secret-key");
  await writeFile(secretFile, `${SECRET}\n`);
  urls = [
    await startApi("api-1", mongodbUri, { API_SECRET_KEY: SECRET }),
    await startApi("api-2", gate.uri, { API_SECRET_KEY_FILE: secretFile }),
  ];
  await start("xray-worker", "worker", { MONGODB_URI: mongodbUri, XRAY_NODES: nowhere });
});

afterAll(async () => {
  await Promise.all(running.map((service) => service.stop()));
  gate.close();
  await rm(dataDir, { recursive: true, force: true });
});

const madeSchema = z.object({ id: z.string(), token: z.string() });

async function call(url: string, secret: string, method: string, path: string, body?: object) {
  const response = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  return { status: response.status, body: answer };
}

async function makeToken(body: object) {
  const { body: made } = await call(urls[0], SECRET, "POST", "/api/tokens", body);
  return madeSchema.parse(made);
}

/** As a bot has it: what can't be looked up in time is asked again. */
async function statusAt(url: string, secret: string): Promise<number> {
  const { status } = await call(url, secret, "GET", "/api/keys");
  return status === 503 ? statusAt(url, secret) : status;
}

/** Looks until it finds what is expected. @returns when the last look began that found something else, in milliseconds from now */
async function unknownFor(look: () => Promise<readonly number[]>, expected: readonly number[]): Promise<number> {
  const begun = performance.now();
  let lastUnknown = 0;
  for (let found: readonly number[] | null = null; !isDeepStrictEqual(found, expected); ) {
    if (found !== null) await sleep(20);
    const lookedAt = performance.now() - begun;
    found = await look();
    if (!isDeepStrictEqual(found, expected)) lastUnknown = lookedAt;
  }
  return lastUnknown;
}

test("both replicas know of a token at once, and of each change and its deletion within two seconds", async () => {
  const { id, token } = await makeToken({ name: "shop", scopes: ["keys:read"] });
  const statuses = () => Promise.all(urls.map((url) => statusAt(url, token)));
  expect(await statuses()).toEqual([200, 200]);
  const knownWithin = async (change: () => Promise<{ readonly status: number }>, known: readonly number[]) => {
    expect((await change()).status).toBe(200);
    expect(await unknownFor(statuses, known)).toBeLessThan(KNOWN_MS);
  };
  const path = `/api/tokens/${id}`;
  await knownWithin(() => call(urls[0], SECRET, "PATCH", path, { scopes: ["traffic:read"] }), [403, 403]);
  await knownWithin(() => call(urls[1], SECRET, "PATCH", path, { scopes: ["keys:read"] }), [200, 200]);
  const soon = Math.floor(Date.now() / 1_000) + 1;
  await knownWithin(() => call(urls[0], SECRET, "PATCH", path, { expires_at: soon }), [401, 401]);
  await knownWithin(() => call(urls[1], SECRET, "PATCH", path, { expires_at: null }), [200, 200]);
  await knownWithin(() => call(urls[0], SECRET, "DELETE", path), [401, 401]);
});

test("of many who ask for one name at once one gets it", async () => {
  const asked = Array.from({ length: 10 }, (_, index) =>
    call(urls[index % 2 === 0 ? 0 : 1], SECRET, "POST", "/api/tokens", { name: "unique", scopes: ["keys:read"] }),
  );
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
});

// Redis counts, and what it does not count in time is let through: not so three times in a row.
test("a rate of its own holds for both replicas together", { retry: 2 }, async () => {
  const { token } = await makeToken({ name: randomUUID(), scopes: ["keys:read"], rate: 3 });
  const begun = performance.now();
  const many = await Promise.all(
    Array.from({ length: 30 }, (_, index) => statusAt(urls[index % 2 === 0 ? 0 : 1], token)),
  );
  const seconds = 1 + Math.ceil((performance.now() - begun) / 1_000);
  expect(many.filter((status) => status !== 429).length).toBeLessThanOrEqual(3 * seconds);
});

test("without MongoDB secrets and tokens that were met go on, and new ones are 503", async () => {
  const [met, unmet] = [
    await makeToken({ name: "met", scopes: ["tokens:read"] }),
    await makeToken({ name: "unmet", scopes: ["tokens:read"] }),
  ];
  const [, second] = urls;
  // These questions need no MongoDB: the job is not known, or the scope is missing.
  const at = async (secret: string) => (await call(second, secret, "GET", "/api/jobs/none-such")).status;
  expect([await at(SECRET), await at(met.token)]).toEqual([404, 403]);
  gate.shut();
  await sleep(1_500);
  for (let attempt = 0; attempt < 3; attempt++) {
    const before = performance.now();
    expect([await at(SECRET), await at(met.token), await at(unmet.token)]).toEqual([404, 403, 503]);
    expect(performance.now() - before).toBeLessThan(10_000);
    await sleep(600);
  }
  gate.open();
  await vi.waitFor(async () => expect(await at(unmet.token)).toBe(403), { interval: 200 });
});

test("no log holds a token, and both name the caller by it", async () => {
  const { token } = await makeToken({ name: "logged", scopes: ["keys:read"] });
  await Promise.all(urls.map((url) => statusAt(url, token)));
  await Promise.all(urls.map((url) => statusAt(url, `${token.slice(0, -1)}!`)));
  await vi.waitFor(async () => {
    const logs = await Promise.all(["api-1", "api-2"].map((name) => readFile(join(dataDir, `${name}.log`), "utf8")));
    for (const log of logs) expect(log).toContain('"caller":"logged"');
  });
  const all = await Promise.all(
    ["api-1", "api-2", "worker"].map((one) => readFile(join(dataDir, `${one}.log`), "utf8")),
  );
  for (const log of all) expect(log).not.toMatch(/veil_[0-9A-Za-z]{20}/);
});

test("a secret whose file is replaced ends within two seconds, and the one that replaces it is taken", async () => {
  const [, second] = urls;
  const next = "secret-that-replaces-the-leaked-one-0123";
  const statuses = async () => [await statusAt(second, SECRET), await statusAt(second, next)];
  const becomes = async (content: string, expected: readonly number[]) => {
    await writeFile(secretFile, content);
    expect(await unknownFor(statuses, expected)).toBeLessThan(KNOWN_MS);
  };
  await becomes(`${next},${SECRET}`, [200, 200]);
  await becomes(next, [401, 200]);
  // Half written: what counted before goes on.
  await writeFile(secretFile, "half");
  await sleep(KNOWN_MS);
  expect(await statuses()).toEqual([401, 200]);
  await becomes(`${next},${SECRET}`, [200, 200]);
  const log = await readFile(join(dataDir, "api-2.log"), "utf8");
  expect(log).not.toContain(next);
});

interface Gate {
  readonly uri: string;
  shut(): void;
  open(): void;
  close(): void;
}

/** A way to MongoDB that can be shut. */
async function openGate(target: URL): Promise<Gate> {
  let isShut = false;
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    if (isShut) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket
        .on("error", () => undefined)
        .on("close", () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
    }
    client.pipe(upstream).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has an address of this kind
  const { port } = server.address() as AddressInfo;
  const uri = new URL(target);
  uri.host = `127.0.0.1:${port}`;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    uri: uri.href,
    shut: () => {
      isShut = true;
      cut();
    },
    open: () => {
      isShut = false;
    },
    close: () => {
      server.close();
      cut();
    },
  };
}
