import request from "supertest";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call } from "../../test/contract/bot.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

describe("the access log", () => {
  let api: InMemoryApi;

  beforeEach(async () => {
    api = await startInMemoryApi({
      secrets: () => [
        { name: null, tokens: ["first-secret-of-32-characters-0001"], readOnly: false },
        { name: null, tokens: ["second-secret-of-32-characters-002"], readOnly: false },
        { name: "shop", tokens: ["third-secret-of-32-characters-0003"], readOnly: true },
      ],
    });
    api.plane.addKey({ keyId: 1, name: "someone" });
  });
  afterEach(async () => {
    await api.close();
  });

  const accessLines = () => api.log.lines.filter(({ message }) => message === "request");

  it("has one line per request, with its id, route and outcome", async () => {
    await call(api, "get", "/api/keys/1/link?token=query-secret").set("X-Request-Id", "bot-1");
    await expect.poll(accessLines).toHaveLength(1);
    expect(accessLines()[0]).toMatchObject({
      level: "info",
      fields: {
        request_id: "bot-1",
        method: "GET",
        route: "/api/keys/{key_id}/link",
        path: "/api/keys/1/link",
        status: 200,
        caller: 1,
      },
    });
  });

  it("names the job and the key of a create and of a delete", async () => {
    await call(api, "post", "/api/keys").send({ name: "x" });
    await call(api, "delete", "/api/keys/1");
    await expect
      .poll(accessLines)
      .toMatchObject([
        { fields: { job_id: expect.stringMatching(/^create-/), key_id: expect.any(Number) } },
        { fields: { job_id: expect.stringMatching(/^delete-/), key_id: 1 } },
      ]);
  });

  it("does not name a key that is asked for by its uuid", async () => {
    const uuid = api.plane.keys.get(1)?.uuid ?? "";
    await call(api, "get", `/api/keys/${uuid}`);
    await expect.poll(accessLines).toHaveLength(1);
    expect(accessLines()[0]?.fields).not.toHaveProperty("key_id");
  });

  it("says which of the secrets was used", async () => {
    await request(api.baseUrl)
      .get("/api/keys")
      .set("Authorization", "Bearer second-secret-of-32-characters-002")
      .expect(200);
    await expect.poll(accessLines).toMatchObject([{ fields: { caller: 2 } }]);
  });

  it("names the secret that has a name", async () => {
    await request(api.baseUrl)
      .get("/api/keys")
      .set("Authorization", "Bearer third-secret-of-32-characters-0003")
      .expect(200);
    await expect.poll(accessLines).toMatchObject([{ fields: { caller: "shop" } }]);
  });

  it.each([
    ["/nothing", "unmatched", 404],
    ["/api/keys/7", "/api/keys/{key_id}", 404],
    ["/api/traffic/sync", "/api/traffic/sync", 405],
  ])("names a bounded route for %s", async (path, route, status) => {
    await call(api, "get", path);
    await expect.poll(() => api.finished).toMatchObject([{ method: "GET", route, status }]);
  });

  it("holds no secret, link or uuid, whatever happens", async () => {
    const key = api.plane.keys.get(1);
    await call(api, "get", "/api/keys/1/link");
    await call(api, "post", "/api/keys").send({ name: "private name" });
    await request(api.baseUrl).get("/api/keys").set("Authorization", "Bearer wrong-secret-of-32-characters-00003");
    api.plane.beforeRead = () => Promise.reject(new Error("surprise"));
    await call(api, "get", "/api/keys/1");
    await expect.poll(accessLines).toHaveLength(4);
    const text = JSON.stringify(api.log.lines);
    for (const secret of ["secret-of-32", "vless://", key?.uuid ?? "no key", "private name", "someone"]) {
      expect(text).not.toContain(secret);
    }
  });

  it("cuts very long paths", async () => {
    await request(api.baseUrl).get(`/${"x-".repeat(5_000)}`);
    await expect.poll(accessLines).toMatchObject([{ fields: { path: `/${"x-".repeat(100).slice(0, 199)}` } }]);
  });
});
