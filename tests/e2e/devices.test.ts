import { setTimeout } from "node:timers/promises";
import { startWebhookReceiver, type WebhookReceiver } from "@veil/test-support";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { logsOf } from "../support/leaked-tokens.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

const FORMATS = ["base64", "plain", "xray", "sing-box", "mihomo"] as const;
const TOO_MANY = "⛔ Слишком много устройств";
/** A registration is waited for four seconds, and a busy machine takes its time. */
const SERVED_WITHIN_MS = 8_000;
/** An answer waits so long for the registration of its device: one that takes longer is served uncounted. */
const REGISTERED_WITHIN_MS = 3_500;
const PATIENCE_MS = 45_000;
/** Longer than an event needs into the log. */
const LOGGED_AFTER_MS = 2_000;

const keySchema = z.looseObject({ key_id: z.number(), uuid: z.string(), subscription_url: z.string() });
type Key = z.infer<typeof keySchema>;
const listSchema = z.object({
  devices: z.array(z.looseObject({ id: z.string(), model: z.string().nullable(), is_allowed: z.boolean() })),
  total: z.number(),
});

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let receiver: WebhookReceiver;

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  receiver = await startWebhookReceiver();
  stack = await startStack(dataDir.path, {
    SUBSCRIPTION_LANGUAGE: "ru",
    DEVICES_WITHOUT_ID: "refuse",
    LOG_LEVEL: "debug",
    WEBHOOK_ALLOW_PRIVATE: "true",
  });
});

afterAll(async () => {
  await stack.stop();
  await receiver.close();
  await dataDir.remove();
});

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${stack.apiUrl}/api/keys${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = await response.text();
  expect([response.status, answer]).toEqual([200, expect.anything()]);
  return JSON.parse(answer);
}

const makeKey = async (terms: object) => keySchema.parse(await call("POST", "", terms));
const listOf = async ({ key_id }: Key) => listSchema.parse(await call("GET", `/${key_id}/devices`));

interface Fetched {
  readonly text: string;
  readonly headers: Headers;
  readonly ms: number;
  /** Whether the key's connections are in it. */
  readonly isServed: boolean;
}

async function subscribe(key: Key, hardwareId: string | null, format = "plain", method = "GET"): Promise<Fetched> {
  const begun = performance.now();
  const response = await fetch(`${key.subscription_url}/${format}`, {
    method,
    headers: {
      "user-agent": "Happ/3.7.1",
      ...(hardwareId !== null && {
        "x-hwid": hardwareId,
        "x-device-os": "Android",
        "x-device-model": `Model ${hardwareId}`,
      }),
    },
  });
  const text = await response.text();
  expect(response.status).toBe(200);
  const ms = performance.now() - begun;
  const plain = format === "base64" ? Buffer.from(text, "base64").toString() : text;
  return { text: plain, headers: response.headers, ms, isServed: plain.includes(key.uuid) };
}

/** Runs a test while a process of the stack lives and answers nobody. */
async function whilePaused(pid: number, run: () => Promise<void>): Promise<void> {
  process.kill(pid, "SIGSTOP");
  try {
    await run();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

test("of twelve devices that come at once no more than the limit are registered, and the others hear so", async () => {
  const key = await makeKey({ device_limit: 3 });
  const fetched = await Promise.all(Array.from({ length: 12 }, (_, index) => subscribe(key, `race-device-${index}`)));
  const refused = fetched.filter(({ isServed }) => !isServed);
  expect(refused.every(({ headers }) => headers.get("x-hwid-limit") === "true")).toBe(true);
  const { devices } = await vi.waitFor(async () => {
    const list = await listOf(key);
    expect([list.devices.length, list.total]).toEqual([3, 3]);
    return list;
  });
  const models = devices.map(({ model }) => model ?? "");
  for (const [index, { isServed, ms }] of fetched.entries()) {
    const isRegistered = models.includes(`Model race-device-${index}`);
    if (isRegistered || ms < REGISTERED_WITHIN_MS) expect(isServed).toBe(isRegistered);
  }
});

test("a device too many gets an entry that says so, in every format, until there is room", async () => {
  const key = await makeKey({ device_limit: 1 });
  expect((await subscribe(key, "first-device")).isServed).toBe(true);
  for (const format of FORMATS) {
    const { text, headers, isServed } = await subscribe(key, "second-device", format);
    expect([format, isServed, headers.get("x-hwid-limit")]).toEqual([format, false, "true"]);
    expect(decodeURIComponent(text.replace(/%(?![0-9A-F]{2})/g, "%25"))).toContain(TOO_MANY);
    expect((await subscribe(key, "first-device", format)).isServed).toBe(true);
  }
  expect(JSON.parse((await subscribe(key, "second-device", "info")).text)).toMatchObject({
    status: "active",
    links: [],
  });
  const [first] = (await listOf(key)).devices;
  await call("DELETE", `/${key.key_id}/devices/${first?.id}`);
  expect((await subscribe(key, "second-device")).isServed).toBe(true);
  expect((await subscribe(key, "first-device")).isServed).toBe(false);

  await call("PATCH", `/${key.key_id}`, { device_limit: 2, reset_devices: true });
  expect((await listOf(key)).total).toBe(0);
  for (const device of ["first-device", "second-device"]) expect((await subscribe(key, device)).isServed).toBe(true);
  await call("PATCH", `/${key.key_id}`, { device_limit: 1 });
  expect((await listOf(key)).devices.map(({ is_allowed }) => is_allowed)).toEqual([true, false]);
  expect((await subscribe(key, "first-device")).isServed).toBe(true);
  expect((await subscribe(key, "second-device")).isServed).toBe(false);
});

test("an app without an id is refused where there is a limit, and people see the page", async () => {
  const [limited, unlimited] = [await makeKey({ device_limit: 2 }), await makeKey({})];
  const { headers, text, isServed } = await subscribe(limited, null);
  expect([isServed, headers.get("x-hwid-not-supported")]).toEqual([false, "true"]);
  expect(decodeURIComponent(text)).toContain("⛔ Приложение не сообщает своё устройство");
  expect((await subscribe(unlimited, null)).isServed).toBe(true);
  const page = await fetch(limited.subscription_url, { headers: { accept: "text/html" } });
  expect(await page.text()).not.toContain("⛔");
  await subscribe(limited, "head-device", "plain", "HEAD");
  expect((await listOf(limited)).total).toBe(0);
});

test("while Redis or the workers are away a new device is served uncounted, and a known one at once", async () => {
  const key = await makeKey({ device_limit: 1 });
  const run = await stack.readRunFile();
  expect((await subscribe(key, "known-device")).isServed).toBe(true);
  await call("PATCH", `/${key.key_id}`, { device_limit: 4 });
  for (const [device, { pid }] of [
    ["worker-away", run["xray-worker"]],
    ["redis-away", run.redis],
  ] as const) {
    await whilePaused(pid, async () => {
      const fresh = await subscribe(key, device);
      expect([device, fresh.isServed, fresh.headers.get("x-hwid-limit")]).toEqual([device, true, null]);
      expect(fresh.ms).toBeLessThan(SERVED_WITHIN_MS);
      const known = await subscribe(key, "known-device");
      expect([known.isServed, known.ms < fresh.ms]).toEqual([true, true]);
    });
  }
  // The requested work is done when they are back, or with the next request.
  await vi.waitFor(
    async () => {
      await subscribe(key, "worker-away");
      await subscribe(key, "redis-away");
      const models = (await listOf(key)).devices.map(({ model }) => model);
      expect(new Set(models)).toEqual(new Set(["Model known-device", "Model worker-away", "Model redis-away"]));
    },
    { timeout: PATIENCE_MS, interval: 500 },
  );
});

const eventSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  actor: z.object({ name: z.string(), address: z.null(), request_id: z.string().nullable() }),
  data: z.looseObject({ key: z.looseObject({ key_id: z.number() }), device: z.looseObject({ id: z.string() }) }),
});

/** The events of a key's devices as the API answers them. */
async function deviceEvents({ key_id }: Key): Promise<z.infer<typeof eventSchema>[]> {
  const response = await fetch(`${stack.apiUrl}/api/events?limit=1000&key_id=${key_id}`, {
    headers: { authorization: `Bearer ${stack.apiKey}` },
  });
  const { events } = z.object({ events: z.array(z.looseObject({ type: z.string() })) }).parse(await response.json());
  return events.filter(({ type }) => type.startsWith("key.device_")).map((event) => eventSchema.parse(event));
}

test("a device that is registered, and one that is refused, reach a webhook once, whatever is repeated", async () => {
  const hook = await fetch(`${stack.apiUrl}/api/webhooks`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ url: receiver.url, types: ["key.device_added", "key.device_refused"] }),
  });
  receiver.secret = z.looseObject({ secret: z.string() }).parse(await hook.json()).secret;
  const key = await makeKey({ device_limit: 1 });
  for (let times = 0; times < 3; times += 1) expect((await subscribe(key, "welcome-device")).isServed).toBe(true);
  for (let times = 0; times < 10; times += 1) expect((await subscribe(key, "unwelcome-device")).isServed).toBe(false);
  await vi.waitFor(async () => expect(await deviceEvents(key)).toHaveLength(2), {
    timeout: PATIENCE_MS,
    interval: 200,
  });
  for (let times = 0; times < 10; times += 1) await subscribe(key, "unwelcome-device");
  const delivered = () =>
    receiver.received
      .map(({ body }) => eventSchema.parse(JSON.parse(body)))
      .filter(({ data }) => data.key.key_id === key.key_id);
  await vi.waitFor(() => expect(delivered().length).toBeGreaterThanOrEqual(2), { timeout: PATIENCE_MS, interval: 200 });

  const [listed] = (await listOf(key)).devices;
  const [added, refused] = await deviceEvents(key);
  expect(added).toMatchObject({ type: "key.device_added", actor: { name: "system" }, data: { device: listed } });
  expect(refused).toMatchObject({
    type: "key.device_refused",
    data: {
      device: {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        os: "Android",
        model: "Model unwelcome-device",
        user_agent: "Happ/3.7.1",
        first_seen_at: null,
        is_allowed: false,
      },
    },
  });
  for (const { data } of [added, refused].flatMap((event) => event ?? [])) {
    expect(Object.keys(data.key)).not.toContain("uuid");
    expect(Object.keys(data.key)).not.toContain("subscription_url");
  }
  expect(new Set(delivered().map(({ id }) => id))).toEqual(new Set([added?.id, refused?.id]));
  expect(receiver.forged).toEqual([]);
  await setTimeout(LOGGED_AFTER_MS);
  expect(await deviceEvents(key)).toHaveLength(2);
});

test("three hundred made-up devices make ten events", async () => {
  const key = await makeKey({ device_limit: 1 });
  await subscribe(key, "welcome-device");
  for (let part = 0; part < 6; part += 1) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => subscribe(key, `made-up-device-${part}-${index}`)));
  }
  await vi.waitFor(async () => expect(await deviceEvents(key)).toHaveLength(11), {
    timeout: PATIENCE_MS,
    interval: 200,
  });
  await setTimeout(LOGGED_AFTER_MS);
  const events = await deviceEvents(key);
  expect(events.map(({ type }) => type)).toEqual(["key.device_added", ...Array(10).fill("key.device_refused")]);
});

test("what an app calls its device stands in no log", async () => {
  const key = await makeKey({ device_limit: 1 });
  for (const device of ["secret-hardware-id-1", "secret-hardware-id-2"]) await subscribe(key, device);
  const logs = await logsOf(stack.dataDir);
  expect(logs).toContain("register-device");
  expect(logs + stack.output()).not.toContain("secret-hardware-id");
});
