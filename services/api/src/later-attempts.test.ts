import { type JobName, type JobPayload, TOO_LATE } from "@veil/job-contract";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call } from "../test/contract/bot.ts";
import { never } from "../test/in-memory/in-memory-jobs.ts";
import { type InMemoryApi, startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi();
});
afterEach(async () => {
  await api.close();
});

const made = { name: "fi-1", address: "10.0.0.2:10085" };
const webhook = { url: "https://bot.example.com/veil", types: ["*"] };
const WRITES = [
  ["create-node", "post", "/api/nodes", made],
  ["change-node", "patch", "/api/nodes/main", { note: "n" }],
  ["drain-node", "post", "/api/nodes/main/drain", {}],
  ["put-host", "post", "/api/hosts", { node: "main" }],
  ["put-host", "put", "/api/hosts/cdn", { node: "main" }],
  ["change-host", "patch", "/api/hosts/n_main", { port: 8_443 }],
  ["create-token", "post", "/api/tokens", { name: "shop", scopes: ["*"] }],
  ["create-webhook", "post", "/api/webhooks", webhook],
  ["put-key", "put", "/api/keys/by-external-id/tg-1", {}],
  ["forget-devices", "delete", "/api/keys/1/devices/a", {}],
] as const satisfies readonly (readonly [JobName, "post" | "put" | "patch" | "delete", string, object])[];

/** Has the next job of this name answered as not done. @returns does what it was to do */
function answerTooSoon<N extends JobName>(name: N): () => Promise<unknown> {
  const { scripts } = api.plane.jobs;
  const run = scripts[name];
  let late: () => Promise<unknown> = () => Promise.reject(new Error("no job came"));
  const answer = async (payload: JobPayload<N>, job: string) => {
    late = () => run(payload, job);
    Object.assign(scripts, { [name]: run });
    return { state: "finished", result: TOO_LATE };
  };
  Object.assign(scripts, { [name]: answer });
  return () => late();
}

/** What is stored, without when. */
async function stored(): Promise<object> {
  const { plane } = api;
  const list = async (path: string) => (await call(api, "get", path).expect(200)).body;
  return {
    nodes: await list("/api/nodes"),
    hosts: await list("/api/hosts"),
    tokens: await plane.tokens.list(),
    webhooks: await plane.webhooks.list(),
    devices: await plane.devices.find(1),
    keys: [...plane.keys.values()],
  };
}

describe("a write that is done after its attempt was answered as not done", () => {
  beforeEach(async () => {
    api.plane.addKey({ keyId: 1 });
    const device = { os: null, osVersion: null, model: null, userAgent: null, firstSeenAt: 1, lastSeenAt: 1 };
    const list = { keyId: 1, epoch: 0, version: 1, fence: 0, changedBy: [], refusals: [], outbox: [] };
    await api.plane.devices.put({ ...list, devices: [{ id: "a", ...device }] });
  });

  it.each(WRITES)(
    "is its next attempt's own, which does nothing once more: %s %s %s",
    async (name, method, path, body) => {
      const doLate = answerTooSoon(name);
      const send = () => call(api, method, path).set("Idempotency-Key", "1").send(body);
      expect((await send()).status).toBe(500);
      await doLate();
      const before = await stored();
      expect((await send()).status).toBe(200);
      expect(new Set(api.plane.jobs.submitted.map(({ jobId }) => jobId)).size).toBe(2);
      expect(await stored()).toEqual(before);
    },
  );

  it.each(WRITES.filter(([name]) => name !== "put-key"))(
    "is found by its next attempt without the result of a job: %s %s %s",
    async (name, method, path, body) => {
      const doLate = answerTooSoon(name);
      const send = () => call(api, method, path).set("Idempotency-Key", "1").send(body);
      await send();
      await doLate();
      Object.assign(api.plane.jobs.scripts, { [name]: () => never() });
      expect((await send()).status).toBe(200);
    },
  );
});
