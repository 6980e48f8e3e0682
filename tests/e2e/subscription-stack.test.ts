import { DEFAULT_ENTRANCE, formatNames } from "@veil/subscriptions";
import { connectXrayNode } from "@veil/xray-grpc";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { leakedTokens, logsOf, metricsOf } from "../support/leaked-tokens.ts";
import { findRealPrograms, type RealProgram } from "../support/real-programs.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { type SpanReceiver, startSpanReceiver } from "../support/span-receiver.ts";
import {
  checkSingBoxConfig,
  runMihomoConfig,
  runMihomoProvider,
  runSingBoxConfig,
  runXrayConfig,
} from "../support/subscription-clients.ts";
import type { VpnClient } from "../support/vpn-client.ts";

const BODY_BYTES = 100_000;
const SYNC_SECONDS = 5;
/** Two seconds of silence, five until it counts, and what a busy machine takes. */
const NOTICED_WITHIN_MS = 45_000;
const PATIENCE_MS = 45_000;
/** More than Xray, newly started, lets a connection wait. */
const SILENT_FOR_MS = 10_000;
/** An answer that waited for a part that is away would take as long, each time. */
const ANSWERED_WITHIN_MS = 2_000;
const ENOUGH_TO_BE_DOWN_MS = 9_000;
const SERVERS_AWAY = "⛔ Серверы временно недоступны";

const keySchema = z.looseObject({
  key_id: z.number(),
  uuid: z.string(),
  subscription_url: z.string(),
  traffic_used: z.number(),
});
type Key = z.infer<typeof keySchema>;

const programs = await findRealPrograms();
let receiver: SpanReceiver;
let bytes: ByteServer;
let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let key: Key;
const clients: VpnClient[] = [];
/** Tokens of keys, and texts that may be: whoever reads a log must find none. */
const secrets: string[] = [];

beforeAll(async () => {
  receiver = await startSpanReceiver();
  bytes = await startByteServer();
  dataDir = await temporaryDataDir();
  stack = await startStack(dataDir.path, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: "200",
    LOG_LEVEL: "debug",
    TRAFFIC_SYNC_INTERVAL_SECONDS: String(SYNC_SECONDS),
    SUBSCRIPTION_LANGUAGE: "ru",
    RATE_LIMIT_PER_SECOND: "0",
  });
  key = await callKey("POST", "", { name: "Анна", traffic_limit: 10_000_000 });
});

afterEach(() => Promise.all(clients.splice(0).map((client) => client.stop())));

afterAll(async () => {
  await stack?.stop();
  await receiver?.close();
  await bytes?.stop();
  await dataDir?.remove();
});

async function callKey(method: string, path: string, body?: object): Promise<Key> {
  const response = await fetch(`${stack.apiUrl}/api/keys${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = await response.text();
  expect([response.status, answer]).toEqual([200, expect.anything()]);
  const known = keySchema.parse(JSON.parse(answer));
  secrets.push(tokenOf(known));
  return known;
}

const tokenOf = (of: Key) => of.subscription_url.slice(of.subscription_url.lastIndexOf("/") + 1);

async function bodyOf(of: Key, format: string): Promise<string> {
  const response = await fetch(`${of.subscription_url}/${format}`);
  expect(response.status).toBe(200);
  return response.text();
}

async function expectToCarry(started: Promise<VpnClient>): Promise<void> {
  const client = await started;
  clients.push(client);
  // mihomo listens before it has loaded its config, and hangs up on what comes meanwhile.
  const received = () => client.download(bytes.downloadUrl(BODY_BYTES), SILENT_FOR_MS).catch(() => 0);
  await expect.poll(received, { timeout: PATIENCE_MS }).toBe(BODY_BYTES);
  await client.stop();
}

function each(prefix: string, what: string, run: (program: RealProgram) => Promise<void>): void {
  for (const program of programs.filter(({ name }) => name.startsWith(prefix))) {
    test.skipIf(program.leftOut !== null)(`${program.name} ${what}`, () => run(program));
  }
}

describe("what the API answers, as it is", () => {
  test("is found at the address that the key names", () => {
    expect(key.subscription_url).toMatch(new RegExp(`^${stack.apiUrl}/sub/[0-9A-Za-z]{33}$`));
  });

  each("Xray", "connects with the config and with the link", async ({ path, start }) => {
    const [config, ...more] = JSON.parse(await bodyOf(key, "xray")) as { remarks: string }[];
    expect([config?.remarks, more.length]).toEqual(["Анна", 0]);
    await expectToCarry(runXrayConfig(path, JSON.stringify(config), DEFAULT_ENTRANCE.http));
    const plain = await bodyOf(key, "plain");
    expect(Buffer.from(await bodyOf(key, "base64"), "base64").toString()).toBe(plain);
    await expectToCarry(start(plain.trim()));
  });

  each("sing-box", "takes the config, and connects with all of it but the network interface", async ({ path }) => {
    const config = await bodyOf(key, "sing-box");
    expect(await checkSingBoxConfig(path, config)).toBe("");
    // The interface would take the traffic of the machine that runs the tests.
    const { inbounds, ...rest } = z
      .looseObject({ inbounds: z.array(z.looseObject({ type: z.string() })) })
      .parse(JSON.parse(config));
    const harmless = { ...rest, inbounds: inbounds.filter(({ type }) => type !== "tun") };
    await expectToCarry(runSingBoxConfig(path, JSON.stringify(harmless), DEFAULT_ENTRANCE.mixed));
  });

  each("mihomo", "connects with the config, and as a provider with the address alone", async ({ path }) => {
    const starts = [
      async () => runMihomoConfig(path, await bodyOf(key, "mihomo"), DEFAULT_ENTRANCE.mixed),
      () => runMihomoProvider(path, key.subscription_url),
      () => runMihomoProvider(path, `${key.subscription_url}/base64`),
    ];
    for (const start of starts) {
      const client = await start();
      clients.push(client);
      await expect.poll(() => client.controller.proxiesOf("VPN"), { timeout: PATIENCE_MS }).toEqual(["Анна"]);
      await expectToCarry(Promise.resolve(client));
    }
  });

  test("says what was moved, and follows every change at once", async () => {
    const userInfo = async () => (await fetch(key.subscription_url)).headers.get("subscription-userinfo") ?? "";
    await expect
      .poll(userInfo, { timeout: PATIENCE_MS })
      .toMatch(/^upload=[1-9]\d*; download=[1-9]\d{5,}; total=10000000; expire=0$/);
    await callKey("PATCH", `/${key.key_id}`, { reset_traffic: true, traffic_limit: 20_000_000 });
    expect(await userInfo()).toBe("upload=0; download=0; total=20000000; expire=0");
    const page = await fetch(key.subscription_url, { headers: { accept: "text/html", "accept-language": "en" } });
    expect([page.status, page.headers.get("referrer-policy")]).toEqual([200, "no-referrer"]);
    expect((await page.text()).replaceAll("\u00A0", " ")).toMatch(/aria-label="[^"]*[1-9][\d.]* [MkG]B/);

    expect(await bodyOf(key, "plain")).toContain("#%D0%90%D0%BD%D0%BD%D0%B0");
    await callKey("PATCH", `/${key.key_id}`, { name: "Вера" });
    expect(await bodyOf(key, "plain")).toContain("#%D0%92%D0%B5%D1%80%D0%B0");
    const { uuid } = await callKey("POST", `/${key.key_id}/revoke`, { credentials: true });
    expect(uuid).not.toBe(key.uuid);
    key = { ...key, uuid };
    expect(await bodyOf(key, "plain")).toContain(`vless://${uuid}@`);

    await callKey("PATCH", `/${key.key_id}`, { enabled: false });
    expect(await bodyOf(key, "mihomo")).toContain("⛔ Ключ отключён");
    expect(await bodyOf(key, "xray")).not.toContain(uuid);
    await callKey("PATCH", `/${key.key_id}`, { enabled: true });
    expect(await bodyOf(key, "xray")).toContain(uuid);
  });

  test("is gone with its token, and with its key", async () => {
    const other = await callKey("POST", "", {});
    const { subscription_url: next } = await callKey("POST", `/${other.key_id}/revoke`, { link: true });
    const statusOf = async (url: string) => (await fetch(url)).status;
    expect([await statusOf(other.subscription_url), await statusOf(next)]).toEqual([404, 200]);
    const headers = { authorization: `Bearer ${stack.apiKey}` };
    await fetch(`${stack.apiUrl}/api/keys/${other.key_id}`, { method: "DELETE", headers });
    expect(await statusOf(next)).toBe(404);
  });
});

describe("while parts of the system are away", () => {
  async function suspended(
    parts: readonly ("redis" | "xray" | "xray-worker" | "stats-collector")[],
    run: () => Promise<void>,
  ) {
    const running = await stack.readRunFile();
    const pids = parts.map((part) => running[part].pid);
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    try {
      await run();
    } finally {
      for (const pid of pids) process.kill(pid, "SIGCONT");
    }
  }

  test("a subscription needs MongoDB alone", async () => {
    await suspended(["redis", "xray", "xray-worker", "stats-collector"], async () => {
      const tookMs: number[] = [];
      const get = async (path: string, headers: Record<string, string> = {}) => {
        const begun = performance.now();
        const answer = await fetch(key.subscription_url + path, { headers, signal: AbortSignal.timeout(20_000) });
        tookMs.push(performance.now() - begun);
        return answer;
      };
      for (let again = 0; again < 2; again += 1) {
        for (const format of [...formatNames, "info"]) {
          const answer = await (await get(`/${format}`)).text();
          const text = format === "base64" ? Buffer.from(answer, "base64").toString() : answer;
          expect([format, text]).toEqual([format, expect.stringContaining(key.uuid)]);
        }
        expect((await get("", { accept: "text/html" })).status).toBe(200);
        expect((await get("0")).status).toBe(404);
        // As long as it takes for a node to count as down where somebody looks.
        await new Promise((resolve) => setTimeout(resolve, (1 - again) * ENOUGH_TO_BE_DOWN_MS));
      }
      // A busy machine is late with some of them.
      expect(tookMs.toSorted((a, b) => a - b)[Math.floor(tookMs.length / 2)]).toBeLessThan(ANSWERED_WITHIN_MS);
    });
  });

  test("a node that does not answer is left out until it does", async () => {
    const plain = async () => decodeURIComponent(await bodyOf(key, "plain"));
    await expect.poll(plain, { timeout: NOTICED_WITHIN_MS }).not.toContain(SERVERS_AWAY);
    await suspended(["xray"], async () => {
      await expect.poll(plain, { timeout: NOTICED_WITHIN_MS, interval: 250 }).toContain(SERVERS_AWAY);
    });
    await expect.poll(plain, { timeout: NOTICED_WITHIN_MS, interval: 250 }).not.toContain(SERVERS_AWAY);
  });
});

test("a node that lost its users is left out until it has them again", async () => {
  const { xray, redis } = await stack.readRunFile();
  const node = connectXrayNode({ name: "looked at", address: xray.api, inboundTag: xray.inbound_tag });
  const plain = async () => decodeURIComponent(await bodyOf(key, "plain"));
  // Without Redis no worker puts them back.
  process.kill(redis.pid, "SIGSTOP");
  try {
    for (const { email } of await node.listUsers()) await node.removeUser(email);
    await expect.poll(plain, { timeout: NOTICED_WITHIN_MS, interval: 250 }).toContain(SERVERS_AWAY);
    expect(await node.countUsers()).toBe(0);
  } finally {
    process.kill(redis.pid, "SIGCONT");
    node.close();
  }
  await expect.poll(plain, { timeout: NOTICED_WITHIN_MS, interval: 250 }).not.toContain(SERVERS_AWAY);
});

describe("the token", () => {
  test("stands in no log, metric or trace, however it is used", async () => {
    const token = tokenOf(key);
    const encoded = token.replace(/./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
    const wrong = `${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}`;
    secrets.push(wrong, encoded);
    const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
      fetch(stack.apiUrl + path, { method, headers, redirect: "manual" });

    const { headers } = await get(`/sub/${token}`);
    const etag = headers.get("etag") ?? "";
    const statuses = [
      (await get(`/sub/${token}`, { "if-none-match": etag })).status,
      (await get(`/sub/${token}`, {}, "HEAD")).status,
      (await get(`/sub/${encoded}`)).status,
      (await get(`/sub/${token}/info?token=${token}`, { referer: key.subscription_url })).status,
      (await get(`/sub/${token}/clash`)).status,
      (await get(`/sub/${token}/x/y`)).status,
      (await get(`/sub/${token}`, {}, "POST")).status,
      (await get(`/sub/${token}%zz`)).status,
      (await get(`/sub/${wrong}`)).status,
      (await get(`/SUB/${token}`)).status,
      (await get(`//sub/${token}`)).status,
      (await get(`/panel/sub/${token}`)).status,
      (await get(`/sub%2F${token}`)).status,
      (await get(`/${token}`)).status,
    ];
    expect(statuses).toEqual([304, 200, 200, 200, ...Array.from({ length: 10 }, () => 404)]);
    // The minute that counts them may end meanwhile, and the next one begins.
    const tries = await Promise.all(Array.from({ length: 130 }, () => get(`/sub/${wrong}`)));
    const refused = tries.find(({ status }) => status === 429);
    expect(await refused?.text()).toBe("");
    expect(Number(refused?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await get(`/sub/${token}`)).status).toBe(200);

    await expect
      .poll(() => receiver.spans.filter(({ name }) => name.includes("/sub/")).length, { timeout: PATIENCE_MS })
      .toBeGreaterThan(5);
    const metrics = await metricsOf(stack.output());
    expect(metrics).toHaveLength(3);
    expect(metrics.join("")).toMatch(
      /veil_http_request_duration_seconds_count\{[^}]*route="\/sub\/\{token\}"[^}]*\} [1-9]/,
    );
    const logs = await logsOf(dataDir.path);
    const lines = [`"path":"/sub/{token}"`, `"key_id":${key.key_id}`];
    expect(lines.filter((line) => !logs.includes(line))).toEqual([]);
    const read = { printed: stack.output(), traces: receiver.text(), metrics: metrics.join(""), logs };
    // As every stack of the tests is looked through when it stops.
    expect(leakedTokens(`GET /sub/${token} ${encoded}`)).toHaveLength(3);
    const leaks = Object.entries(read).flatMap(([place, text]) =>
      secrets
        .filter((secret) => text.includes(secret))
        .map((secret) => [place, text.slice(Math.max(0, text.indexOf(secret) - 40), text.indexOf(secret))]),
    );
    expect(leaks).toEqual([]);
  });
});
