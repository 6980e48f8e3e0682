import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { startVpnClient, type VpnClient } from "../support/vpn-client.ts";

const KEYS = 300;
const DAY_S = 86_400;
/** Far less than so many changes take, be the machine as fast as it may. */
const WORKING_MS = 20;
const EXPIRES_AT = Math.floor(Date.now() / 1_000) + 10 * DAY_S;

const listed = z.object({
  keys: z.array(z.looseObject({ key_id: z.number(), expires_at: z.number().nullable(), revision: z.number() })),
  total: z.number(),
});
const job = z.looseObject({ status: z.string(), done: z.number().default(0), total: z.number().optional() });

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let bytes: ByteServer;

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  bytes = await startByteServer();
  stack = await startStack(dataDir.path, { TRAFFIC_SYNC_INTERVAL_SECONDS: "2" });
});
afterAll(async () => {
  await stack.stop();
  await bytes.stop();
  await dataDir.remove();
});

async function call(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(stack.apiUrl + path, {
    method,
    headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const list = async (query: string) => listed.parse((await call("GET", `/api/keys?${query}`)).body);

async function update(body: object): Promise<string> {
  const answer = await call("POST", "/api/keys/batch-update", body);
  expect(answer).toEqual({ status: 202, body: { job_id: expect.any(String), status: "queued" } });
  return z.object({ job_id: z.string() }).parse(answer.body).job_id;
}

const progress = async (id: string) => job.parse((await call("GET", `/api/jobs/${id}`)).body);

async function ended(id: string) {
  return vi.waitFor(
    async () => {
      const state = await progress(id);
      expect(state.status).toBe("succeeded");
      return state;
    },
    { timeout: 60_000, interval: 250 },
  );
}

test("300 keys get ten days more, each once, though the worker is killed meanwhile", async () => {
  const keys = Array.from({ length: KEYS }, () => ({ tag: "many", expires_at: EXPIRES_AT }));
  expect(await call("POST", "/api/keys/batch", { keys })).toMatchObject({ status: 200, body: { succeeded: KEYS } });
  const { pid } = (await stack.readRunFile())["xray-worker"];
  const id = await update({ filter: { tag: "many" }, extend: { days: 10 } });
  // Not the total of a page: that may be two seconds old.
  const changed = async () => (await list(`tag=many&expires_after=${EXPIRES_AT}`)).keys.length;
  // It works only while nobody looks: however long a look takes, it finds the batch where it stands.
  let before = 0;
  while (before === 0) {
    process.kill(pid, "SIGCONT");
    await sleep(WORKING_MS);
    process.kill(pid, "SIGSTOP");
    before = await changed();
  }
  process.kill(pid, "SIGKILL");
  expect(await ended(id)).toMatchObject({ done: KEYS, total: KEYS, failed: 0, errors: [] });
  const after = await list("tag=many");
  expect(after.total).toBe(KEYS);
  expect(new Set(after.keys.map(({ expires_at: at }) => at))).toEqual(new Set([EXPIRES_AT + 10 * DAY_S]));
  expect(new Set(after.keys.map(({ revision }) => revision))).toEqual(new Set([2]));
  expect(before).toBeLessThan(KEYS);
});

test("keys are picked out by their ids, and one that is gone is named", async () => {
  const { keys } = await list("tag=many&limit=2");
  const id = await update({ key_ids: [...keys.map(({ key_id }) => key_id), 999_999], set: { enabled: false } });
  expect(await ended(id)).toMatchObject({ total: 3, done: 2, failed: 1, errors: [{ key_id: 999_999 }] });
  expect((await list("status=disabled")).keys.map(({ key_id }) => key_id)).toEqual(keys.map(({ key_id }) => key_id));
});

describe("a key that moves bytes", () => {
  let keyId: number;
  let client: VpnClient;

  afterAll(() => client.stop());

  test("is online, and has usage", async () => {
    const { body } = await call("POST", "/api/keys", { name: "busy", traffic_limit: 2_000_000 });
    keyId = z.object({ key_id: z.number() }).parse(body).key_id;
    const link = z.object({ vless_link: z.string() }).parse((await call("GET", `/api/keys/${keyId}/link`)).body);
    client = await startVpnClient((await stack.readRunFile()).xray.binary, link.vless_link);
    await client.download(bytes.downloadUrl(3_000_000));
    await call("POST", "/api/traffic/sync");
    expect((await list("online=true")).keys.map(({ key_id }) => key_id)).toEqual([keyId]);
    expect((await list("online=false")).total).toBe(KEYS);
    const { body: usage } = await call("GET", `/api/keys/${keyId}/usage?step=hour`);
    const { usage: hours } = z.object({ usage: z.array(z.object({ download: z.number() })) }).parse(usage);
    expect(hours.reduce((sum, { download }) => sum + download, 0)).toBeGreaterThanOrEqual(3_000_000);
  });

  test("is among the figures of the system", async () => {
    const { body } = await call("GET", "/api/stats");
    expect(body).toMatchObject({
      keys: { total: KEYS + 1, disabled: 2 },
      online: 1,
      groups: [{ name: "default", keys: KEYS + 1 }],
    });
  });

  test("is let in again by a reset of its traffic, which answers what it had moved", async () => {
    await vi.waitFor(async () => expect((await list("status=limited")).total).toBe(1));
    const reset = await call("POST", `/api/keys/${keyId}/traffic/reset`);
    expect(reset.status).toBe(200);
    const { previous_total: previous } = z.object({ previous_total: z.number() }).parse(reset.body);
    expect(previous).toBeGreaterThanOrEqual(3_000_000);
    expect((await call("GET", `/api/keys/${keyId}`)).body).toMatchObject({ status: "active" });
    expect(await client.download(bytes.downloadUrl(1_000))).toBe(1_000);
  });
});
