import { readFile } from "node:fs/promises";
import * as formats from "@veil/subscriptions";
import request from "supertest";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { serveSubscriptions, type SubscriptionServer } from "../../test/subscriptions/serve-subscriptions.ts";
import type { SubscriptionView } from "./ports.ts";

const TOKEN = "v7Kq2mZx9LbR4tYcW8sJhN3f";
const PATH = `/sub/${TOKEN}`;
const BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8";

const view: SubscriptionView = {
  keyId: 7,
  key: {
    ...{
      name: "Ключ <1>",
      status: "active",
      upload: 10,
      download: 20,
      trafficLimit: 100,
      expiresAt: null,
      holdFor: null,
      usage: [],
    },
    url: `https://sub.example.com${PATH}`,
  },
  connections: [
    {
      ...{ protocol: "vless", remark: "Ключ <1>", address: "vpn.example.com", port: 443, flow: "" },
      uuid: "66ad4540-b58c-4ad2-9926-ea63445a9b57",
      security: { kind: "none" },
      transport: { kind: "tcp" },
    },
  ],
  refusal: null,
};

describe("the subscription router", () => {
  let server: SubscriptionServer;
  const get = (path: string, headers: Record<string, string> = {}) => request(server.url).get(path).set(headers);

  beforeAll(async () => {
    server = await serveSubscriptions({ userAgentRules: [{ prefix: "Happ/", format: "xray" }] });
  });
  beforeEach(() => void server.views.set(TOKEN, view));
  afterAll(() => server.stop());

  it("answers in the format that the address, the browser or the app stands for", async () => {
    const typeOf = async (path: string, headers = {}) => (await get(path, headers)).headers["content-type"];
    const yaml = "text/yaml; charset=utf-8";
    expect(await typeOf(PATH)).toBe("text/plain; charset=utf-8");
    expect(await typeOf(PATH, { "user-agent": "clash-verge/v2.2.3" })).toBe(yaml);
    expect(await typeOf(`${PATH}/mihomo`, { accept: BROWSER })).toBe(yaml);
    expect(await typeOf(`${PATH}?format=mihomo`, { accept: BROWSER })).toBe(yaml);
    expect(await typeOf(`${PATH}/xray?format=mihomo`)).toBe("application/json; charset=utf-8");
    expect(await typeOf(PATH, { "user-agent": "Happ/3.7.1" })).toBe("application/json; charset=utf-8");
    expect(await typeOf(PATH, { accept: BROWSER, "user-agent": "clash-verge/v2.2.3" })).toBe(
      "text/html; charset=utf-8",
    );
  });

  it.each([
    `${PATH}/clash`,
    `${PATH}/Base64`,
    `${PATH}?format=`,
    `${PATH}?format=plain&format=plain`,
    `/sub/${TOKEN.toLowerCase()}`,
    `/sub/${TOKEN}x`,
    "/sub/short",
    "/sub/short/info",
    `/sub/${"a".repeat(200)}`,
    `/sub/%00${TOKEN}`,
    `/sub/${TOKEN}%zz`,
    `${PATH}/%zz`,
  ])("knows nothing of %s", async (path) => {
    const { status, text, headers } = await get(path);
    expect([status, text]).toEqual([404, ""]);
    expect(headers["cache-control"]).toBe("no-store");
  });

  it("is read, and nothing else", async () => {
    const { status, headers, text } = await request(server.url).head(PATH);
    expect([status, text]).toEqual([200, undefined]);
    expect(headers["subscription-userinfo"]).toBe("upload=10; download=20; total=100; expire=0");
    expect((await request(server.url).post(PATH)).status).toBe(404);
  });

  it("says to nobody more than they need", async () => {
    const { headers } = await get(PATH);
    expect(headers).toMatchObject({
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "x-robots-tag": "noindex",
      vary: "Accept, Accept-Language, User-Agent, X-HWID",
      "profile-title": `base64:${Buffer.from("Ключ <1>").toString("base64")}`,
    });
    const page = await get(PATH, { accept: BROWSER });
    expect(page.headers["content-security-policy"]).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; img-src data:; base-uri 'none'/,
    );
    expect(page.text).toContain("<h1>Ключ &lt;1&gt;</h1>");
  });

  it("answers 304 until the body or the traffic is another, whatever fetch says to caches", async () => {
    const { etag } = (await get(PATH)).headers;
    const again = (headers = {}) => get(PATH, { "if-none-match": etag ?? "", ...headers });
    expect((await again()).status).toBe(304);
    expect((await again({ "cache-control": "no-cache" })).status).toBe(304);
    expect((await request(server.url).head(PATH)).headers["etag"]).toBe(etag);
    server.views.set(TOKEN, { ...view, key: { ...view.key, download: 21 } });
    expect((await again()).status).toBe(200);
    server.views.set(TOKEN, { ...view, connections: [] });
    expect((await again()).status).toBe(200);
  });

  it("shows a key that ran out by the clock at once, without a new revision", async () => {
    const before = await get(`${PATH}/plain`);
    server.views.set(TOKEN, { ...view, key: { ...view.key, status: "expired" } });
    const after = await get(`${PATH}/plain`);
    expect(before.text).toContain("66ad4540");
    expect(after.text).not.toContain("66ad4540");
    server.views.set(TOKEN, { ...view, refusal: "device_limit" });
    const refused = await get(`${PATH}/plain`);
    expect([refused.text.includes("66ad4540"), refused.headers["x-hwid-limit"]]).toEqual([false, "true"]);
    const reasons = [after, refused].map(({ text }) => decodeURIComponent(text.split("#")[1] ?? ""));
    expect(reasons).toEqual(["⛔ Subscription expired\n", "⛔ Too many devices\n"]);
  });

  it("renders a body once, whatever traffic does, and anew for another name", async () => {
    const rendered = vi.spyOn(formats, "renderSubscription");
    const shownAs = (remark: string) => view.connections.map((connection) => ({ ...connection, remark }));
    server.views.set(TOKEN, { ...view, connections: shownAs("one") });
    await get(`${PATH}/mihomo`);
    server.views.set(TOKEN, { ...view, key: { ...view.key, upload: 999 }, connections: shownAs("one") });
    await get(`${PATH}/mihomo`);
    expect(rendered).toHaveBeenCalledTimes(1);
    server.views.set(TOKEN, { ...view, connections: shownAs("two") });
    expect((await get(`${PATH}/mihomo`)).text).toContain("two");
    expect(rendered).toHaveBeenCalledTimes(2);
    rendered.mockRestore();
  });

  it("slows down who tries tokens, and nobody who has one", async () => {
    const counted = vi.fn<() => Promise<number>>(async () => 7.2);
    const limited = await serveSubscriptions({}, undefined, { fail: counted });
    limited.views.set(TOKEN, view);
    const other = `${limited.url}/sub/${TOKEN.replace("v", "w")}`;
    const refused = await request(other).get("");
    expect([refused.status, refused.text, refused.headers["retry-after"]]).toEqual([429, "", "8"]);
    expect((await request(`${other}/info`).get("")).status).toBe(429);
    // A format that there is not says nothing of the token.
    expect((await request(`${other}/clash`).get("")).status).toBe(404);
    expect(counted).toHaveBeenCalledTimes(2);
    for (const path of ["", "/info", "/xray"]) {
      expect((await request(`${limited.url}${PATH}${path}`).get("")).status).toBe(200);
    }
    expect(counted).toHaveBeenCalledTimes(2);
    await limited.stop();
  });

  it("tells programs what it is", async () => {
    const { body, headers } = await get(`${PATH}/info`, { accept: BROWSER });
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(body).toMatchObject({ status: "active", upload: 10, download: 20, traffic_limit: 100, expires_at: null });
    expect((body as { links: string[] }).links).toHaveLength(1);
  });

  it.each([
    ["ru-RU,ru;q=0.9,en;q=0.8", "ru"],
    ["en-GB,en;q=0.9,ru;q=0.8", "en"],
    ["uk,ru;q=0.5", "ru"],
    ["de", "en"],
    ["*", "en"],
    ["", "en"],
  ])("speaks to who asks for %j in %s", async (accepted, language) => {
    const { headers, text } = await get(PATH, { accept: BROWSER, "accept-language": accepted });
    expect(headers["content-language"]).toBe(language);
    expect(text).toContain(`<html lang="${language}">`);
  });

  it("passes on that the store is away", async () => {
    const views = vi.spyOn(server.views, "get").mockImplementation(() => {
      throw new Error("away");
    });
    expect((await get(PATH)).status).toBe(500);
    views.mockRestore();
  });
});

it("has a page without a word from elsewhere in its sources", async () => {
  const files = ["page-style", "page-assets", "render-page"].map((name) => new URL(`page/${name}.ts`, import.meta.url));
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const addresses = texts.flatMap((text) => text.match(/https?:\/\/[^"'`\s)]+/g) ?? []);
  expect(addresses).toEqual(["http://www.w3.org/2000/svg"]);
});
