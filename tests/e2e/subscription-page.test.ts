import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import type { SubscriptionKey } from "@veil/subscriptions";
import axe from "axe-core";
import jsQR from "jsqr";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  serveSubscriptions,
  type SubscriptionServer,
} from "../../services/api/test/subscriptions/serve-subscriptions.ts";
import { findChromium } from "../support/find-chromium.ts";

const chromiumPath = await findChromium();
if (chromiumPath === null) process.stderr.write("The page is not tried: no Chromium found, set CHROMIUM_PATH\n");

/** Where screenshots go, for people to look at; none are taken without it. */
const shotsDir = env["VEIL_SHOTS_DIR"];
const GIGABYTE = 1_024 ** 3;
const DAY_SECONDS = 86_400;
const NOW = Date.parse("2026-11-28T10:00:00Z") / 1_000;
const TOKEN = "v7Kq2mZx9LbR4tYcW8sJhN3f";
/** The link that the page shows, wherever it is served from. */
const LINK = `https://sub.example.com/sub/${TOKEN}`;
const PAGE_BYTES = 60 * 1_024;
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1_280, height: 900 };

const usage = Array.from({ length: 30 }, (_, day) => ({
  at: NOW - (29 - day) * DAY_SECONDS,
  download: Math.round((1.2 + Math.sin(day * 0.9) + (day % 7 === 5 ? 1.4 : 0)) * GIGABYTE),
  upload: Math.round((0.25 + 0.2 * Math.cos(day)) * GIGABYTE),
}));

describe.skipIf(chromiumPath === null)("the page of a subscription", () => {
  let server: SubscriptionServer;
  let browser: Browser;

  beforeAll(async () => {
    server = await serveSubscriptions({ title: "Северный VPN", supportUrl: "https://t.me/support" }, () => NOW);
    browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: ["--no-sandbox"] });
  });

  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  function show(overrides: Partial<SubscriptionKey> = {}, withServers = true): void {
    const key: SubscriptionKey = {
      ...{ name: "Анна – ноутбук", status: "active", upload: 7.2 * GIGABYTE, download: 35.6 * GIGABYTE },
      ...{ trafficLimit: 100 * GIGABYTE, expiresAt: NOW + 17.3 * DAY_SECONDS, holdFor: null, usage },
      url: LINK,
      ...overrides,
    };
    server.views.set(TOKEN, { key, connections: withServers ? [connection] : [], refusal: null, keyId: 1 });
  }

  async function open(options: Parameters<Browser["newPage"]>[0]): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage(options);
    const complaints: string[] = [];
    const address = `${server.url}/sub/${TOKEN}`;
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (request.url() !== address && !request.url().startsWith("data:")) complaints.push(request.url());
    });
    await page.goto(address);
    return { page, complaints };
  }

  async function shoot(page: Page, name: string): Promise<void> {
    if (shotsDir === undefined) return;
    await mkdir(shotsDir, { recursive: true });
    await page.screenshot({ path: join(shotsDir, `${name}.png`), fullPage: true });
  }

  /** A picture's pixels, taken apart by the browser. */
  async function pixelsOf(png: Buffer): Promise<{ data: number[]; width: number; height: number }> {
    const blank = await browser.newPage();
    const pixels = await blank.evaluate<{ data: number[]; width: number; height: number }>(`(async () => {
      const image = new Image();
      image.src = "data:image/png;base64,${png.toString("base64")}";
      await image.decode();
      const { width, height } = image;
      const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
      context.drawImage(image, 0, 0);
      return { data: [...context.getImageData(0, 0, width, height).data], width, height };
    })()`);
    await blank.close();
    return pixels;
  }

  const looks = [
    { name: "phone-light-ru", viewport: PHONE, colorScheme: "light", locale: "ru-RU" },
    { name: "phone-dark-en", viewport: PHONE, colorScheme: "dark", locale: "en-US" },
    { name: "desktop-light-en", viewport: DESKTOP, colorScheme: "light", locale: "en-US" },
    { name: "desktop-dark-ru", viewport: DESKTOP, colorScheme: "dark", locale: "ru-RU" },
  ] as const;

  test.each(looks)("is one accessible document that fits, as $name", async ({ name, ...look }) => {
    show();
    const { page, complaints } = await open({ ...look, deviceScaleFactor: 2 });
    await shoot(page, name);
    expect(await faultsOf(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(look.viewport.width);
    expect(Buffer.byteLength(await page.content())).toBeLessThan(PAGE_BYTES);
    expect(await page.locator("html").getAttribute("lang")).toBe(look.locale.slice(0, 2));
    const text = await page.locator("body").innerText();
    for (const shown of look.locale === "ru-RU"
      ? ["Активна", "42,8 ГБ / 100 ГБ", "осталось 57,2 ГБ", "18 дней", "15 декабря 2026", "Анна – ноутбук"]
      : ["Active", "42.8 GB / 100 GB", "57.2 GB left", "18 days", "15 December 2026", "Анна – ноутбук"]) {
      expect(text.replaceAll("\u00A0", " ")).toContain(shown);
    }
    expect(complaints).toEqual([]);
    await page.close();
  });

  const states: readonly [name: string, key: Partial<SubscriptionKey>, servers: boolean, shown: string][] = [
    ["expired", { status: "expired", expiresAt: NOW - 3 * DAY_SECONDS }, true, "⛔ Subscription expired"],
    ["limited", { status: "limited", download: 99 * GIGABYTE }, true, "⛔ Traffic limit reached"],
    ["disabled", { status: "disabled" }, true, "⛔ Key disabled"],
    ["no servers", {}, false, "⛔ Servers are temporarily unavailable"],
    [
      "on hold",
      { status: "on_hold", expiresAt: null, holdFor: 30 * DAY_SECONDS, upload: 0, download: 0, usage: [] },
      true,
      "30 days\n\nStarts with the first connection",
    ],
    ["unlimited", { trafficLimit: null, expiresAt: null }, true, "No end date"],
    ["last hours", { expiresAt: NOW + 9_000, download: 80 * GIGABYTE }, true, "2 hours"],
    ["long name", { name: `"><img src=x>${"Ж".repeat(120)}` }, true, `"><img src=x>Ж`],
  ];

  test.each(states)("says what is the matter: %s", async (name, key, servers, shown) => {
    show(key, servers);
    const { page, complaints } = await open({ viewport: PHONE, locale: "en-US", deviceScaleFactor: 2 });
    await shoot(page, `state-${name.replaceAll(" ", "-")}`);
    expect(await page.locator("body").innerText()).toContain(shown);
    const isOver = ["expired", "limited", "disabled"].includes(key.status ?? "active");
    expect(await page.locator(".pill.bad").count()).toBe(isOver ? 1 : 0);
    expect(await faultsOf(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(PHONE.width);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("copies the link, and shows no button that needs a script where there is none", async () => {
    show();
    const { page } = await open({
      viewport: PHONE,
      locale: "en-US",
      permissions: ["clipboard-read", "clipboard-write"],
    });
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(LINK);
    await page.close();

    const { page: silent, complaints } = await open({ viewport: PHONE, javaScriptEnabled: false, locale: "en-US" });
    expect(await silent.getByRole("button").count()).toBe(0);
    expect(await silent.getByRole("link").count()).toBe(7);
    expect(await silent.getByRole("textbox", { name: "Subscription link" }).inputValue()).toBe(LINK);
    expect(complaints).toEqual([]);
    await silent.close();
  });

  test.each(["light", "dark"] as const)("has a QR code that a camera reads, %s", async (colorScheme) => {
    show();
    const { page } = await open({ viewport: PHONE, colorScheme });
    const { data, width, height } = await pixelsOf(await page.locator("figure").screenshot());
    expect(jsQR.default(new Uint8ClampedArray(data), width, height)?.data).toBe(LINK);
    await page.close();
  });
});

const connection = {
  protocol: "vless",
  remark: "Анна",
  address: "127.0.0.1",
  port: 443,
  uuid: "66ad4540-b58c-4ad2-9926-ea63445a9b57",
  flow: "",
  security: { kind: "none" },
  transport: { kind: "tcp" },
} as const;

/** The findings of axe, as texts. It is put in through the debugger, which the page's policy doesn't concern. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ": " + html)))`,
  );
}
