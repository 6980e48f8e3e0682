import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

const TOKENS = ["shop-1", "shop-2", "shop-3", "shop-4", "shop-5"] as const;

const event = z.strictObject({
  id: z.string(),
  seq: z.number(),
  type: z.string(),
  at: z.number(),
  actor: z.strictObject({ name: z.string(), address: z.string().nullable(), request_id: z.string().nullable() }),
  data: z.looseObject({
    key: z.looseObject({ key_id: z.number(), external_id: z.string().nullable(), status: z.string() }).optional(),
    before: z.record(z.string(), z.unknown()).optional(),
  }),
});
type Event = z.infer<typeof event>;
const events = z.strictObject({ events: z.array(event) });
const key = z.looseObject({ key_id: z.number() });

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  stack = await startStack(dataDir.path);
});
afterAll(async () => {
  await stack.stop();
  await dataDir.remove();
});

async function call(token: string, method: string, path: string, body?: object, requestId?: string): Promise<unknown> {
  const response = await fetch(stack.apiUrl + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      ...(requestId !== undefined && { "x-request-id": requestId }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

const read = async (query: string): Promise<Event[]> =>
  events.parse(await call(stack.apiKey, "GET", `/api/events?${query}`)).events;

async function newToken(name: string): Promise<string> {
  const scopes = ["keys:read", "keys:write", "events:read"];
  return z.looseObject({ token: z.string() }).parse(await call(stack.apiKey, "POST", "/api/tokens", { name, scopes }))
    .token;
}

test("50 writes of five tokens are found again, each once, by actor, key and time", async () => {
  const from = Math.floor(Date.now() / 1_000);
  const made = new Map<string, number[]>();
  await Promise.all(
    TOKENS.map(async (name, index) => {
      const token = await newToken(name);
      const ids: number[] = [];
      for (let each = 0; each < 2; each += 1) {
        const prefix = `audit-${index}-${each}`;
        const { key_id } = key.parse(
          await call(token, "POST", "/api/keys", { name: prefix, external_id: prefix }, `${prefix}-1`),
        );
        await call(token, "PATCH", `/api/keys/${key_id}`, { note: "n", tag: "t" }, `${prefix}-2`);
        await call(token, "PATCH", `/api/keys/${key_id}`, { enabled: false }, `${prefix}-3`);
        await call(token, "POST", `/api/keys/${key_id}/revoke`, { link: true }, `${prefix}-4`);
        await call(token, "DELETE", `/api/keys/${key_id}`, undefined, `${prefix}-5`);
        ids.push(key_id);
      }
      made.set(name, ids);
    }),
  );
  const types = ["key.created", "key.updated", "key.disabled", "key.revoked", "key.deleted"];
  for (const [index, name] of TOKENS.entries()) {
    const own = await vi.waitFor(async () => {
      const found = await read(`actor=${name}`);
      expect(found.filter(({ type }) => type.startsWith("key."))).toHaveLength(10);
      return found.filter(({ type }) => type.startsWith("key."));
    });
    for (const [each, keyId] of (made.get(name) ?? []).entries()) {
      const ofKey = await read(`key_id=${keyId}`);
      expect(ofKey).toEqual(own.filter(({ data }) => data.key?.key_id === keyId));
      expect(ofKey.map(({ type }) => type)).toEqual(types);
      expect(ofKey.map(({ actor }) => actor)).toEqual(
        types.map((_, step) => ({ name, address: "127.0.0.1", request_id: `audit-${index}-${each}-${step + 1}` })),
      );
      expect(ofKey.map(({ data }) => data.before)).toMatchObject(
        [
          {},
          { note: null, tag: null, revision: 1 },
          { enabled: true, status: "active", is_active: true, revision: 2 },
          { revision: 3 },
          {},
        ].map((before, step) => (step === 0 || step === 4 ? undefined : before)),
      );
      expect(ofKey.at(-1)?.data.key).toMatchObject({ external_id: `audit-${index}-${each}`, note: "n" });
      for (const { data } of ofKey) expect(Object.keys(data.key ?? {})).not.toContain("uuid");
      for (const { at } of ofKey) expect(at).toBeGreaterThanOrEqual(from);
    }
  }
  const tokens = () => read("type=token.created&actor=secret-1");
  await vi.waitFor(async () => expect(await tokens()).toHaveLength(TOKENS.length));
  const all = await read("limit=1000");
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  const [first = 0] = made.get("shop-1") ?? [];
  expect(await read(`type=key.deleted&key_id=${first}&actor=shop-1`)).toHaveLength(1);
  expect(await read(`after=${all.length - 3}&limit=2`)).toEqual(all.slice(-3, -1));
});

test("changes of many keys at once leave one event of each, with who asked and by which request", async () => {
  const token = await newToken("bulk");
  const items = Array.from({ length: 40 }, (_, index) => ({ external_id: `bulk-${index}` }));
  // The last one is refused: another one has its external id.
  const keys = [...items, { external_id: "bulk-0" }];
  const made = z
    .object({ results: z.array(z.looseObject({ key: key.optional() })) })
    .parse(await call(token, "POST", "/api/keys/batch", { keys }, "bulk-1"));
  const ids = made.results.flatMap((item) => item.key?.key_id ?? []);
  expect(ids).toHaveLength(items.length);
  const batch = { key_ids: ids, set: { note: "n" } };
  const { job_id: job } = z
    .looseObject({ job_id: z.string() })
    .parse(await call(token, "POST", "/api/keys/batch-update", batch, "bulk-2"));
  await vi.waitFor(async () => {
    const done = { status: "succeeded", done: ids.length, failed: 0 };
    expect(await call(token, "GET", `/api/jobs/${job}`)).toMatchObject(done);
  });
  await call(token, "POST", "/api/keys/batch-delete", { key_ids: ids }, "bulk-3");
  const own = async () => (await read("actor=bulk&limit=1000")).filter(({ type }) => type.startsWith("key."));
  await vi.waitFor(async () => expect(await own()).toHaveLength(3 * ids.length));
  const all = await own();
  for (const id of ids) {
    const ofKey = all.filter(({ data }) => data.key?.key_id === id);
    expect(ofKey.map(({ type, actor }) => [type, actor.request_id, actor.address])).toEqual([
      ["key.created", "bulk-1", "127.0.0.1"],
      ["key.updated", "bulk-2", "127.0.0.1"],
      ["key.deleted", "bulk-3", "127.0.0.1"],
    ]);
  }
});

test("what is put in the place of what is there is reported where it is different", async () => {
  const token = await newToken("upsert");
  const path = "/api/keys/by-external-id/upserted";
  const { key_id } = key.parse(await call(token, "PUT", path, { note: "a" }, "put-1"));
  await call(token, "PUT", path, { note: "a" }, "put-2");
  await call(token, "PUT", path, { note: "b" }, "put-3");
  await call(token, "POST", `/api/keys/${key_id}/traffic/reset`, {}, "put-4");
  await call(token, "POST", `/api/keys/${key_id}/extend`, { days: 1 }, "put-5");
  await call(token, "DELETE", path, undefined, "put-6");
  await vi.waitFor(async () => expect((await read(`key_id=${key_id}`)).at(-1)?.type).toBe("key.deleted"));
  const reported = (await read(`key_id=${key_id}`)).map(({ type, actor }) => `${type} ${actor.request_id}`);
  // A key without an end keeps having none.
  expect(reported).toEqual(["key.created put-1", "key.updated put-3", "key.traffic_reset put-4", "key.deleted put-6"]);
});

test("what comes due by itself is reported, with the system as its actor", async () => {
  const expires_at = Math.floor(Date.now() / 1_000) + 6;
  const { key_id } = key.parse(await call(stack.apiKey, "POST", "/api/keys", { expires_at }));
  const reported = await vi.waitFor(async () => {
    const found = await read(`key_id=${key_id}&type=key.expired`);
    expect(found).toHaveLength(1);
    return found;
  });
  expect(reported[0]).toMatchObject({
    actor: { name: "system", address: null, request_id: null },
    data: { key: { status: "expired", is_active: false } },
  });
  expect((await read(`key_id=${key_id}`))[0]?.actor.name).toBe("secret-1");
});

test("that a key ends soon is reported at the moment, once", async () => {
  const expires_at = Math.floor(Date.now() / 1_000) + 24 * 3_600 + 8;
  const { key_id } = key.parse(await call(stack.apiKey, "POST", "/api/keys", { expires_at }));
  await vi.waitFor(async () => expect(await read(`key_id=${key_id}`)).toHaveLength(2));
  expect((await read(`key_id=${key_id}`))[1]).toMatchObject({ type: "key.expires_soon", data: { hours: 24 } });
});

test("a stream has each change within two seconds, and goes on where it was", async () => {
  const after = (await read("limit=1000")).at(-1)?.seq ?? 0;
  const response = await fetch(`${stack.apiUrl}/api/events?after=${after}`, {
    headers: { authorization: `Bearer ${stack.apiKey}`, accept: "text/event-stream" },
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const pump = async () => {
    for (let step = await reader?.read(); step?.done === false; step = await reader?.read()) text += step.value;
  };
  const pumped = pump().catch(() => undefined);
  const delays: number[] = [];
  for (let each = 0; each < 10; each += 1) {
    const begun = performance.now();
    const { key_id } = key.parse(await call(stack.apiKey, "POST", "/api/keys", {}));
    await vi.waitFor(() => expect(text).toContain(`"key_id":${key_id},`), { interval: 10 });
    delays.push(Math.round(performance.now() - begun));
  }
  console.log(`a new key is in the stream after ${delays.join(", ")} ms, its creation included`);
  expect(delays.toSorted((a, b) => a - b)[5]).toBeLessThan(2_000);
  await reader?.cancel();
  await pumped;
  const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  expect(ids).toEqual(ids.map((_, index) => after + index + 1));
});

test("a node that is down is reported, and that it is back", async () => {
  const { xray } = await stack.readRunFile();
  const ofNode = async () => (await read("limit=1000")).filter(({ type }) => /^node\.(down|up)$/.test(type));
  // A node that a starved machine could not reach in time is reported as well.
  const becomes = (type: string) => vi.waitFor(async () => expect((await ofNode()).at(-1)?.type).toBe(type), 60_000);
  process.kill(xray.pid, "SIGSTOP");
  try {
    await becomes("node.down");
  } finally {
    process.kill(xray.pid, "SIGCONT");
  }
  await becomes("node.up");
  const reported = await ofNode();
  expect(reported.map(({ type }) => type)).toEqual(
    reported.map((_, index) => (index % 2 === 0 ? "node.down" : "node.up")),
  );
  for (const { actor, data } of reported)
    expect({ actor, data }).toMatchObject({ actor: { name: "system" }, data: { node: "main" } });
});

test("that a node is drained is reported once, with who did it, and not that it is shown again", async () => {
  for (const [path, requestId] of [
    ["drain", "drain-1"],
    ["drain", "drain-2"],
    ["undrain", "undrain-1"],
    ["drain", "drain-3"],
    ["undrain", "undrain-2"],
  ] as const) {
    await call(stack.apiKey, "POST", `/api/nodes/main/${path}`, {}, requestId);
  }
  await vi.waitFor(async () => expect(await read("type=node.drained")).toHaveLength(2));
  const drains = await read("type=node.drained");
  expect(drains.map(({ actor }) => actor)).toEqual(
    ["drain-1", "drain-3"].map((request_id) => ({ name: "secret-1", address: "127.0.0.1", request_id })),
  );
  expect(drains.map(({ data }) => data)).toEqual([{ node: "main" }, { node: "main" }]);
  expect(await read("actor=secret-1&type=node.drained")).toHaveLength(2);
});

test.each([
  ["limit=0", "limit must be a whole number from 1 to 1000"],
  ["limit=1001", "limit must be a whole number from 1 to 1000"],
  ["after=-1", "after must be a whole number"],
  ["type=key.exploded", "type must be one of key.created"],
  ["key_id=x", "key_id must be a whole number"],
  ["since=1", "unknown query parameter"],
])("a bad value is refused: %s", async (query, detail) => {
  await expect(read(query)).rejects.toThrow(new RegExp(`400.*${detail}`));
});

test("who lacks the scope reads nothing, and a token that is deleted is reported without its text", async () => {
  const { token, id } = z
    .looseObject({ token: z.string(), id: z.string() })
    .parse(await call(stack.apiKey, "POST", "/api/tokens", { name: "blind", scopes: ["keys:read"] }));
  await expect(call(token, "GET", "/api/events")).rejects.toThrow("403");
  await call(stack.apiKey, "DELETE", `/api/tokens/${id}`, undefined, "away-with-it");
  await vi.waitFor(async () => expect(await read("type=token.deleted")).toHaveLength(1));
  const [deleted] = await read("type=token.deleted");
  expect(deleted).toMatchObject({
    actor: { name: "secret-1", request_id: "away-with-it" },
    data: { token: { id, name: "blind" } },
  });
  expect(JSON.stringify(deleted)).not.toContain(token);
});
