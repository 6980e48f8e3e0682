import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { startVpnClient, type VpnClient } from "../support/vpn-client.ts";

const MEGABYTE = 1_000_000;
/** A key that ends must be shut within two seconds; a busy machine gets one more to notice. */
const GONE_WITHIN_MS = 3_000;
/** How long a client that is shut out may be silent; one that is let in is waited for. */
const SILENT_FOR_MS = 4_000;

const key = z.looseObject({
  key_id: z.number(),
  uuid: z.string(),
  status: z.string(),
  is_active: z.boolean(),
  expires_at: z.number().nullable(),
  traffic_used: z.number(),
  traffic_lifetime: z.number(),
  subscription_url: z.string(),
  revision: z.number(),
});
type Key = z.infer<typeof key>;

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let bytes: ByteServer;
const clients: VpnClient[] = [];

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  bytes = await startByteServer();
  stack = await startStack(dataDir.path, { TRAFFIC_SYNC_INTERVAL_SECONDS: "5" });
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  await stack.stop();
  await bytes.stop();
  await dataDir.remove();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function call(
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(stack.apiUrl + path, {
    method,
    headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json", ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function good(...request: Parameters<typeof call>): Promise<Key> {
  const { status, body } = await call(...request);
  expect([status, body]).toEqual([200, expect.anything()]);
  return key.parse(body);
}

async function connect({ key_id }: Pick<Key, "key_id">): Promise<VpnClient> {
  const { body } = await call("GET", `/api/keys/${key_id}/link`);
  const { vless_link: link } = z.object({ vless_link: z.string() }).parse(body);
  const client = await startVpnClient((await stack.readRunFile()).xray.binary, link);
  clients.push(client);
  return client;
}

async function expectToCarry(client: VpnClient): Promise<void> {
  expect(await client.download(bytes.downloadUrl(1_000))).toBe(1_000);
}

async function expectNotToCarry(client: VpnClient): Promise<void> {
  await expect(client.download(bytes.downloadUrl(1_000), SILENT_FOR_MS)).rejects.toThrow();
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;

describe("a customer of a bot", () => {
  let bought: Key;
  let client: VpnClient;

  test("buys a month under the bot's own id, and connects", async () => {
    const { status, headers, body } = await call("PUT", "/api/keys/by-external-id/tg-42", {
      name: "Ада",
      expires_at: inSeconds(30 * 86_400),
      traffic_limit: 100 * MEGABYTE,
      tag: "trial",
    });
    expect([status, headers.get("veil-outcome")]).toEqual([200, "created"]);
    bought = key.parse(body);
    expect(bought).toMatchObject({ status: "active", is_active: true, revision: 1, external_id: "tg-42" });
    client = await connect(bought);
    // Xray holds the first clients after its start back for up to ten seconds, while it measures the website.
    await expectToCarry(client);
  });

  test("is found again by that id, and a put that names nothing new changes nothing", async () => {
    expect((await good("GET", "/api/keys/by-external-id/tg-42")).key_id).toBe(bought.key_id);
    const { headers } = await call("PUT", "/api/keys/by-external-id/tg-42", { tag: "trial" });
    expect(headers.get("veil-outcome")).toBe("unchanged");
    const { headers: changed } = await call("PUT", "/api/keys/by-external-id/tg-42", { tag: "paid" });
    expect(changed.get("veil-outcome")).toBe("updated");
  });

  test("is switched off before the answer, and on again by the time of it", async () => {
    expect(await good("PATCH", `/api/keys/${bought.key_id}`, { enabled: false })).toMatchObject({
      status: "disabled",
      is_active: false,
    });
    await expectNotToCarry(client);
    expect(await good("PATCH", `/api/keys/${bought.key_id}`, { enabled: true })).toMatchObject({ status: "active" });
    await expectToCarry(client);
  });

  test("is shut when the term ends, and let in again by an extension that adds once", async () => {
    const expiresAt = inSeconds(10);
    await good("PATCH", `/api/keys/${bought.key_id}`, { expires_at: expiresAt });
    await expectToCarry(client);
    await vi.waitUntil(() => Date.now() >= expiresAt * 1_000 + GONE_WITHIN_MS);
    await expectNotToCarry(client);
    expect(await good("GET", `/api/keys/${bought.key_id}`)).toMatchObject({ status: "expired", is_active: false });

    const once = { "idempotency-key": "renewal-1" };
    const [first, second] = [
      await good("POST", `/api/keys/${bought.key_id}/extend`, { days: 30 }, once),
      await good("POST", `/api/keys/${bought.key_id}/extend`, { days: 30 }, once),
    ];
    expect(second).toEqual(first);
    expect(first.expires_at).toBeGreaterThan(inSeconds(30 * 86_400 - 60));
    expect(first.expires_at).toBeLessThan(inSeconds(30 * 86_400 + 60));
    await expectToCarry(client);
  });

  test("is shut when the traffic is used up, and let in again by a renewal in one change", async () => {
    await good("PATCH", `/api/keys/${bought.key_id}`, { traffic_limit: 2 * MEGABYTE, reset_traffic: true });
    await client.download(bytes.downloadUrl(3 * MEGABYTE));
    await call("POST", "/api/traffic/sync");
    await vi.waitFor(async () => expect((await good("GET", `/api/keys/${bought.key_id}`)).status).toBe("limited"), {
      interval: 100,
    });
    await vi.waitFor(() => expectNotToCarry(client));
    const renewed = await good("PATCH", `/api/keys/${bought.key_id}`, {
      expires_at: inSeconds(60 * 86_400),
      traffic_limit: 100 * MEGABYTE,
      reset_traffic: true,
    });
    expect(renewed).toMatchObject({ status: "active", traffic_used: 0 });
    expect(renewed.traffic_lifetime).toBeGreaterThanOrEqual(3 * MEGABYTE);
    await expectToCarry(client);
  });

  test("who lost the link gets another one, and the old one is worth nothing", async () => {
    const revoked = await good("POST", `/api/keys/${bought.key_id}/revoke`, { link: true, credentials: true });
    expect(revoked.uuid).not.toBe(bought.uuid);
    expect(revoked.subscription_url).not.toBe(bought.subscription_url);
    await expectNotToCarry(client);
    await expectToCarry(await connect(revoked));
  });

  test("who paid back is deleted by the bot's id, which is free then", async () => {
    expect((await call("DELETE", "/api/keys/by-external-id/tg-42")).status).toBe(200);
    expect((await call("GET", "/api/keys/by-external-id/tg-42")).status).toBe(404);
    const again = await call("PUT", "/api/keys/by-external-id/tg-42", {});
    expect(again.headers.get("veil-outcome")).toBe("created");
    expect(key.parse(again.body).key_id).not.toBe(bought.key_id);
  });
});

test("a change is refused for a revision that is over", async () => {
  const made = await call("POST", "/api/keys", { name: "tagged" });
  const tag = made.headers.get("etag") ?? "";
  const { key_id } = key.parse(made.body);
  expect((await call("PATCH", `/api/keys/${key_id}`, { note: "one" }, { "if-match": tag })).status).toBe(200);
  expect((await call("PATCH", `/api/keys/${key_id}`, { note: "two" }, { "if-match": tag })).status).toBe(412);
  expect((await call("PATCH", `/api/keys/${key_id}`, { note: "two" }, { "if-match": "*" })).status).toBe(200);
});

test("of twelve who put one external id at once one makes the key", async () => {
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) => call("PUT", "/api/keys/by-external-id/race", { note: String(index) })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
  expect(new Set(answers.map(({ body }) => key.parse(body).key_id)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers.get("veil-outcome") === "created")).toHaveLength(1);
  expect((await call("POST", "/api/keys", { external_id: "race" })).status).toBe(409);
});

test("a key that is made out of service is in no node, whatever switches it on", async () => {
  const made = await good("POST", "/api/keys", { expires_at: 1_700_000_000 });
  expect(made).toMatchObject({ status: "expired", is_active: false });
  const client = await connect(made);
  await expectNotToCarry(client);
  expect(await good("PATCH", `/api/keys/${made.key_id}`, { enabled: true })).toMatchObject({ status: "expired" });
  await expectNotToCarry(client);
  await good("PATCH", `/api/keys/${made.key_id}`, { expires_at: null });
  await expectToCarry(client);
});

test.each([
  [{ expires_at: 1_767_225_600_000 }, "expires_at must be unix seconds, not milliseconds"],
  [{ traffic_limit: -1 }, /^traffic_limit must be a whole number of bytes/],
  [{ hold_for: 60, expires_at: 1_900_000_000 }, /exclude each other/],
  [{ groups: "default" }, /^groups must be a list/],
])("%o is refused with a sentence that says what would be right", async (body, detail) => {
  const { status, body: answer } = await call("POST", "/api/keys", body);
  expect([status, answer]).toEqual([400, { detail: expect.stringMatching(detail) }]);
});
