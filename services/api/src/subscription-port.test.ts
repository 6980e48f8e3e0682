import { randomUUID } from "node:crypto";
import { readSettings } from "@veil/runtime";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";
import { RecordingLog } from "../test/in-memory/recording-log.ts";
import { createSubscriptionApp } from "./create-app.ts";
import { addressList } from "./http/allow-addresses.ts";
import type { FinishedRequest } from "./http/log-request.ts";
import { apiSettings, subscriptionSettings, subscriptionUrl } from "./settings.ts";
import type { SubscriptionRouterOptions } from "./subscriptions/subscription-router.ts";

const TOKEN = "v7Kq2mZx9LbR4tYcW8sJhN3f012345678";
const key = {
  name: "Anna",
  status: "active",
  upload: 0,
  download: 0,
  trafficLimit: null,
  expiresAt: null,
  holdFor: null,
} as const;

function settingsOf(env: Record<string, string>) {
  return readSettings(apiSettings, { program: "api", env: { API_SECRET_KEY: "s".repeat(32), ...env } });
}

const subscriptions: SubscriptionRouterOptions = {
  subscriptions: {
    findByToken: async (token) =>
      token === TOKEN
        ? { keyId: 7, key: { ...key, usage: [], url: `http://a/sub/${TOKEN}` }, connections: [], refusal: null }
        : null,
  },
  settings: subscriptionSettings(settingsOf({})),
  failures: { fail: async () => null },
  now: () => 0,
};

describe("subscriptions on the API's port", () => {
  it("need no token of the API, and come from everywhere", async () => {
    const api = await startInMemoryApi({ subscriptions, allowedAddresses: addressList(["203.0.113.7"]) });
    expect((await request(api.baseUrl).get("/api/keys")).status).toBe(403);
    expect((await request(api.baseUrl).get(`/sub/${TOKEN}`)).status).toBe(200);
    await expect.poll(() => api.finished.map(({ route }) => route)).toContain("/sub/{token}");
    await api.close();
  });
});

/** The size of an answer's headers that nginx accepts unless its config says otherwise; it answers 502 to more. */
const NGINX_HEADER_BYTES = 4_096;

it("have headers that proxies take, also with the longest texts", async () => {
  const shields = (count: number) => "🛡".repeat(count);
  const long = { ...key, name: shields(255), usage: [], url: `https://${"a".repeat(200)}.example/sub/${TOKEN}` };
  const settings = subscriptionSettings(settingsOf({ SUBSCRIPTION_ANNOUNCE: shields(100) }));
  const findByToken = async () => ({ keyId: 7, key: long, connections: [], refusal: null });
  const api = await startInMemoryApi({ subscriptions: { ...subscriptions, settings, subscriptions: { findByToken } } });
  const { headers } = await request(api.baseUrl).get(`/sub/${TOKEN}`);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  expect(lines.join("").length).toBeLessThan(NGINX_HEADER_BYTES);
  await api.close();
});

describe("subscriptions on a port of their own", () => {
  it("are all that is there, and are not on the API's", async () => {
    const finished: FinishedRequest[] = [];
    const onFinished = (one: FinishedRequest) => void finished.push(one);
    const common = {
      log: new RecordingLog(),
      newId: randomUUID,
      clock: Date,
      trustedProxies: false,
      origins: "any",
    } as const;
    const app = createSubscriptionApp({ ...common, onFinished }, subscriptions);
    expect((await request(app).get(`/sub/${TOKEN}/info`)).status).toBe(200);
    for (const path of ["/", "/api/keys", "/docs", "/openapi.json"]) {
      expect([path, (await request(app).get(path)).status]).toEqual([path, 404]);
    }
    expect(finished.map(({ route }) => route)).toEqual([
      "/sub/{token}/info",
      ...Array.from({ length: 4 }, () => "unmatched"),
    ]);

    const api = await startInMemoryApi();
    expect((await request(api.baseUrl).get(`/sub/${TOKEN}`)).status).toBe(404);
    await expect.poll(() => JSON.stringify(api.log.lines)).toContain("[redacted]");
    expect(JSON.stringify(api.log.lines)).not.toContain(TOKEN);
    await api.close();
  });

  it.each([
    [{}, "http://vpn.example:8000"],
    [{ SUBSCRIPTION_PORT: "8001" }, "http://vpn.example:8001"],
    [{ DOMAIN: "2001:db8::7" }, "http://[2001:db8::7]:8000"],
    [{ DOMAIN: "[2001:db8::7]" }, "http://[2001:db8::7]:8000"],
    [{ DOMAIN: "пример.рф" }, "http://xn--e1afmkfd.xn--p1ai:8000"],
    [{ SUBSCRIPTION_PORT: "8001", SUBSCRIPTION_URL: "https://sub.example/" }, "https://sub.example"],
    [{ SUBSCRIPTION_URL: "https://Пример.рф/vpn/" }, "https://xn--e1afmkfd.xn--p1ai/vpn"],
  ])("are found with %j at %s", (env, url) => {
    expect(subscriptionUrl(settingsOf({ DOMAIN: "vpn.example", ...env }))).toBe(url);
  });

  it("are refused the API's own port", () => {
    for (const env of [{ SUBSCRIPTION_PORT: "8000" }, { API_PORT: "8001", SUBSCRIPTION_PORT: "8001" }]) {
      expect(() => settingsOf(env)).toThrow(/SUBSCRIPTION_PORT must be another port than API_PORT/);
    }
  });
});
