import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { logsOf } from "../support/leaked-tokens.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

const FORMATS = ["base64", "plain", "xray", "sing-box", "mihomo"] as const;
const TOO_MANY = "⛔ Слишком много устройств";
/** A registration is waited for four seconds, and a busy machine takes its time. */
const SERVED_WITHIN_MS = 8_000;
const PATIENCE_MS = 30_000;

const keySchema = z.looseObject({ key_id: z.number(), uuid: z.string(), subscription_url: z.string() });
type Key = z.infer<typeof keySchema>;
const listSchema = z.object({
  devices: z.array(z.looseObject({ id: z.string(), model: z.string().nullable(), is_allowed: z.boolean() })),
  total: z.number(),
});

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  stack = await startStack(dataDir.path, {
    SUBSCRIPTION_LANGUAGE: "ru",
    DEVICES_WITHOUT_ID: "refuse",
    LOG_LEVEL: "debug",
  });
});

afterAll(async () => {
  await stack.stop();
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
  expect(fetched.filter(({ isServed }) => isServed)).toHaveLength(3);
  const refused = fetched.filter(({ isServed }) => !isServed);
  expect(refused.every(({ headers }) => headers.get("x-hwid-limit") === "true")).toBe(true);
  const { devices, total } = await listOf(key);
  expect([devices.length, total]).toEqual([3, 3]);
  const models = devices.map(({ model }) => model ?? "");
  for (const [index, { isServed }] of fetched.entries())
    expect(models.includes(`Model race-device-${index}`)).toBe(isServed);
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
  // What was asked for is done when they are back, or with the next request.
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

test("what an app calls its device stands in no log", async () => {
  const key = await makeKey({ device_limit: 1 });
  for (const device of ["secret-hardware-id-1", "secret-hardware-id-2"]) await subscribe(key, device);
  const logs = await logsOf(stack.dataDir);
  expect(logs).toContain("register-device");
  expect(logs + stack.output()).not.toContain("secret-hardware-id");
});
