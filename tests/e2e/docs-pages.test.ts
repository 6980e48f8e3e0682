import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { ApiClient } from "../support/api-client.ts";
import { findChromium } from "../support/find-chromium.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

const operationSchema = z.object({
  operationId: z.string(),
  tags: z.array(z.string()),
  responses: z.record(z.string(), z.unknown()),
});
const pathsSchema = z.object({ paths: z.record(z.string(), z.record(z.string(), operationSchema)) });
const chromiumPath = await findChromium();
if (chromiumPath === null) process.stderr.write("The docs pages are not tried: no Chromium found, set CHROMIUM_PATH\n");

/** Where screenshots go, for people to look at; none are taken without it. */
const shotsDir = env["VEIL_SHOTS_DIR"];
const PATIENCE_MS = 60_000;
/** For all operations one after the other, each of which takes ten seconds on a busy machine. */
const TRIES_MS = 900_000;

describe.skipIf(chromiumPath === null)("in a browser without the outside world", () => {
  let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
  let stack: RunningStack;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    dataDir = await temporaryDataDir();
    stack = await startStack(dataDir.path, { WEBHOOK_ALLOW_PRIVATE: "true" });
    browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: ["--no-sandbox"] });
  });

  afterAll(async () => {
    await browser.close();
    await stack.stop();
    await dataDir.remove();
  });

  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
    page.setDefaultTimeout(PATIENCE_MS);
    complaints = [];
    page.on("console", (message) => {
      if (message.type() !== "log" && message.type() !== "info") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol.startsWith("http") && origin !== stack.apiUrl) complaints.push(`a request to ${request.url()}`);
    });
  });

  async function shoot(name: string): Promise<void> {
    if (shotsDir === undefined) return;
    await mkdir(shotsDir, { recursive: true });
    await page.screenshot({ path: join(shotsDir, `${name}.png`) });
  }

  async function authorize(): Promise<void> {
    await page.goto(`${stack.apiUrl}/docs`);
    await page.getByRole("button", { name: "Authorize" }).click();
    const dialog = page.locator(".auth-container");
    await dialog.locator("input").fill(stack.apiKey);
    await dialog.getByRole("button", { name: "Apply credentials" }).click();
    await page.getByRole("button", { name: "Close" }).click();
  }

  /**
   * Opens an operation, sends its request as it is proposed and returns the status that is shown.
   *
   * @param values what is typed or chosen for parameters, by their names
   */
  async function tryOut(operation: Locator, values: Readonly<Record<string, string>> = {}): Promise<string> {
    await startTrying(operation);
    for (const [name, value] of Object.entries(values)) {
      const row = operation.locator(`tr[data-param-name="${name}"]`);
      const [input, choice] = [row.locator("input"), row.locator("select")];
      if ((await input.count()) > 0) await input.fill(value);
      if ((await choice.count()) > 0) await choice.selectOption(value);
    }
    await operation.getByRole("button", { name: "Execute" }).click();
    const status = operation.locator(".live-responses-table .response-col_status").last();
    await status.waitFor();
    return status.innerText();
  }

  async function startTrying(operation: Locator): Promise<void> {
    await operation.locator(".opblock-summary-control").click();
    await operation.getByRole("button", { name: "Try it out" }).click();
  }

  test("Swagger UI authorizes with the token and tries reads and writes", async () => {
    await authorize();
    const create = page.locator("#operations-Keys-createKey");
    expect(await tryOut(create)).toMatch(/^200/);
    await create.locator(".live-responses-table").scrollIntoViewIfNeeded();
    await shoot("swagger-ui-create");

    const list = page.locator("#operations-Keys-listKeys");
    expect(await tryOut(list)).toMatch(/^200/);
    expect(await list.locator(".live-responses-table .highlight-code").first().innerText()).toContain('"user_123"');
    await list.locator(".live-responses-table").scrollIntoViewIfNeeded();
    await shoot("swagger-ui-list");

    const names = (await new ApiClient(stack.apiUrl, stack.apiKey).list()).keys.map(({ name }) => name);
    expect(names).toEqual(["user_123"]);
    expect(complaints).toEqual([]);
  });

  test("Swagger UI tries every operation, and each answers as it says", { timeout: TRIES_MS }, async () => {
    const api = new ApiClient(stack.apiUrl, stack.apiKey);
    const paths = pathsSchema.parse(await (await fetch(`${stack.apiUrl}/openapi.json`)).json()).paths;
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    expect(operations.length).toBeGreaterThan(12);
    await authorize();
    const statuses: string[] = [];
    for (const { operationId, tags } of operations) {
      const { key_id } = await api.createWith({ external_id: operationId });
      const ids = { key_id: String(key_id), external_id: operationId, id: await makeFor(operationId, key_id) };
      const values = { ...ids, job_id: await startJob(), ...(operationId === "deleteNode" && (await makeNode())) };
      const operation = page.locator(`#operations-${tags[0]}-${operationId}`);
      statuses.push(`${operationId} ${(await tryOut(operation, values)).slice(0, 3)}`);
      await operation.locator(".opblock-summary-control").click();
      if (operationId === "createWebhook") await deleteWebhooks();
    }
    expect(statuses).toEqual(
      operations.map(({ operationId, responses }) => `${operationId} ${Object.keys(responses)[0]}`),
    );
    expect(complaints).toEqual([]);
  });

  /** Makes what an operation is about beside a key. @returns its id */
  function makeFor(operationId: string, keyId: number): Promise<string> {
    if (operationId === "deleteDevice") return registerDevice(keyId);
    if (operationId.endsWith("Host")) return makeHost();
    return operationId.endsWith("Webhook") ? makeWebhook() : makeToken(operationId);
  }

  const headers = () => ({ authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json" });

  /** One that takes nothing, of which nobody is sent an event but one to try it. @returns its id */
  async function makeWebhook(): Promise<string> {
    const body = JSON.stringify({ url: "http://127.0.0.1:9/veil", types: ["webhook.disabled"] });
    const answer = await fetch(`${stack.apiUrl}/api/webhooks`, { method: "POST", headers: headers(), body });
    return z.object({ id: z.string() }).parse(await answer.json()).id;
  }

  /** The one of the example would be sent what happens next, and its receiver is not ours. */
  async function deleteWebhooks(): Promise<void> {
    const list: unknown = await (await fetch(`${stack.apiUrl}/api/webhooks`, { headers: headers() })).json();
    const { webhooks } = z.object({ webhooks: z.array(z.object({ id: z.string() })) }).parse(list);
    for (const { id } of webhooks) {
      await fetch(`${stack.apiUrl}/api/webhooks/${id}`, { method: "DELETE", headers: headers() });
    }
  }

  /** @returns the id of a new host */
  async function makeHost(): Promise<string> {
    const body = JSON.stringify({ node: "main", remark: "docs" });
    const answer = await fetch(`${stack.apiUrl}/api/hosts`, { method: "POST", headers: headers(), body });
    return z.object({ id: z.string() }).parse(await answer.json()).id;
  }

  /** One that does not answer, beside that of the example. @returns how it is deleted */
  async function makeNode(): Promise<Readonly<Record<string, string>>> {
    const body = JSON.stringify({ name: "away-1", address: "127.0.0.1:9" });
    await fetch(`${stack.apiUrl}/api/nodes`, { method: "POST", headers: headers(), body });
    return { name: "away-1", force: "true" };
  }

  /** A write that is answered later. @returns the id to ask for */
  async function startJob(): Promise<string> {
    const later = { authorization: `Bearer ${stack.apiKey}`, prefer: "respond-async" };
    const answer = await fetch(`${stack.apiUrl}/api/keys`, { method: "POST", headers: later });
    return z.object({ job_id: z.string() }).parse(await answer.json()).job_id;
  }

  /** Fetches a key's subscription as an app does. @returns the id of the device that has been registered by that */
  async function registerDevice(keyId: number): Promise<string> {
    const read = async (path: string): Promise<unknown> => {
      const answer = await fetch(stack.apiUrl + path, { headers: { authorization: `Bearer ${stack.apiKey}` } });
      return answer.json();
    };
    const key = z.object({ subscription_url: z.string() }).parse(await read(`/api/keys/${keyId}`));
    const subscription = stack.apiUrl + new URL(key.subscription_url).pathname;
    expect((await fetch(subscription, { headers: { "x-hwid": "phone-of-the-docs" } })).status).toBe(200);
    const { devices } = z
      .object({ devices: z.array(z.object({ id: z.string() })) })
      .parse(await read(`/api/keys/${keyId}/devices`));
    return devices[0]?.id ?? "none";
  }

  /** @returns the id of a new token */
  async function makeToken(name: string): Promise<string> {
    const body = JSON.stringify({ name, scopes: ["keys:read"] });
    const answer = await fetch(`${stack.apiUrl}/api/tokens`, { method: "POST", headers: headers(), body });
    return z.object({ id: z.string() }).parse(await answer.json()).id;
  }

  test("Swagger UI finds a key by its id and by its UUID", async () => {
    const key = await new ApiClient(stack.apiUrl, stack.apiKey).createWith({ name: "two ways" });
    await authorize();
    const read = page.locator("#operations-Keys-getKey");
    await startTrying(read);
    for (const named of [String(key.key_id), key.uuid]) {
      await read.locator('tr[data-param-name="key_id"] input').fill(named);
      const [answer] = await Promise.all([
        page.waitForResponse(`${stack.apiUrl}/api/keys/${named}`),
        read.getByRole("button", { name: "Execute" }).click(),
      ]);
      expect(await answer.json()).toMatchObject(key);
    }
    expect(complaints).toEqual([]);
  });

  test.for([
    ["docs#/Keys/createKey", "#operations-Keys-createKey .responses-table"],
    ["redoc", "[data-section-id]"],
  ] as const)("/%s fits a phone", async ([path, whenShown]) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${stack.apiUrl}/${path}`);
    await page.locator(whenShown).first().waitFor();
    const overflow = await page.evaluate("document.scrollingElement.scrollWidth - innerWidth");
    await shoot(`phone-${path.slice(0, 4)}`);
    expect(overflow).toBe(0);
    expect(complaints).toEqual([]);
  });

  test("Redoc shows every operation and finds them", async () => {
    await page.goto(`${stack.apiUrl}/redoc`);
    await page.getByRole("heading", { name: "List all keys" }).waitFor();
    await shoot("redoc");
    await page.getByPlaceholder("Search").fill("reset");
    await page.getByRole("search").getByText("Reset", { exact: false }).first().waitFor();
    await shoot("redoc-search");
    expect(complaints).toEqual([]);
  });
});
