import { afterEach, beforeEach, expect, it } from "vitest";
import { call } from "../../test/contract/bot.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi();
  api.plane.addKey({ keyId: 1 });
});
afterEach(() => api.close());

it.each([
  ["post", "/api/keys", {}],
  ["post", "/api/keys/batch", { keys: [{}] }],
  ["post", "/api/keys/batch-delete", { key_ids: [1] }],
  ["post", "/api/keys/batch-update", { key_ids: [1], set: { enabled: false } }],
  ["put", "/api/keys/by-external-id/a", {}],
  ["patch", "/api/keys/1", { note: "n" }],
  ["post", "/api/keys/1/extend", { days: 1 }],
  ["post", "/api/keys/1/revoke", { link: true }],
  ["post", "/api/keys/1/traffic/reset", undefined],
  ["delete", "/api/keys/1", undefined],
  ["post", "/api/tokens", { name: "shop", scopes: ["keys:read"] }],
] as const)(
  "%s %s says in its job who asked for it, from where and with which request id",
  async (method, path, body) => {
    const answer = await call(api, method, path).set("X-Request-Id", "asked-1").send(body);
    expect(answer.status).toBeLessThan(300);
    const [job] = api.plane.jobs.submitted;
    expect(job?.payload).toMatchObject({
      request_id: "asked-1",
      actor: { name: "secret-1", address: expect.stringContaining("127.0.0.1") },
    });
  },
);
