import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { answerOf, call, failure } from "../test/contract/bot.ts";
import { figuresOf } from "../test/in-memory/in-memory-plane.ts";
import { type InMemoryApi, startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";

describe("reading many keys", () => {
  let api: InMemoryApi;

  beforeEach(async () => {
    api = await startInMemoryApi();
    for (let keyId = 1; keyId <= 25; keyId += 1) api.plane.addKey({ keyId });
    api.plane.traffic.set(2, figuresOf({ upload: 10, download: 20 }, 1_700_000_000));
  });
  afterEach(async () => {
    await api.close();
  });

  const get = (path: string) => call(api, "get", path);
  const idsOf = (body: { keys?: { key_id: number }[]; traffic?: { key_id: number }[] }) =>
    (body.keys ?? body.traffic ?? []).map(({ key_id }) => key_id);

  it.each(["/api/keys", "/api/traffic"])("answers %s page by page, with the number of all", async (path) => {
    const seen: number[] = [];
    for (let after = 0; ; after = seen.at(-1) ?? 0) {
      const { body } = await get(`${path}?limit=10&after=${after}`).expect(200);
      expect(body.total).toBe(25);
      if (idsOf(body).length === 0) break;
      seen.push(...idsOf(body));
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
    expect(idsOf((await get(`${path}?after=20`)).body)).toEqual([21, 22, 23, 24, 25]);
    expect(idsOf((await get(`${path}?limit=2`)).body)).toEqual([1, 2]);
  });

  it.each(["limit=0", "limit=1001", "limit=-1", "limit=", "limit=1e2", "limit=1&limit=2", "after=-1", "after=x"])(
    "refuses ?%s",
    async (query) => {
      expect(answerOf(await get(`/api/keys?${query}`))).toEqual(failure(400, /^(limit|after) must be a whole number/));
    },
  );

  it("answers the stored traffic, and zeros since its creation for a key without any", async () => {
    const { body } = await get("/api/traffic?limit=2").expect(200);
    expect(body.traffic).toEqual([
      { key_id: 1, upload: 0, download: 0, total: 0, last_updated: api.plane.keys.get(1)?.createdAt },
      { key_id: 2, upload: 10, download: 20, total: 30, last_updated: 1_700_000_000 },
    ]);
  });

  const reads = [
    "/api/keys",
    "/api/keys?limit=5",
    "/api/keys/1",
    "/api/keys/1/link",
    "/api/traffic",
    "/api/keys/2/traffic",
  ];

  it.each(reads)("answers 304 to %s while nothing has changed", async (path) => {
    const { headers } = await get(path).expect(200);
    const tag = headers["etag"] ?? "";
    expect(tag).toMatch(/^(W\/)?"/);
    const again = await get(path).set("If-None-Match", tag);
    expect([again.status, again.text]).toEqual([304, ""]);
    await get(path).set("If-None-Match", 'W/"other"').expect(200);
  });

  it("answers 304 also to fetch, which asks caches on the way to keep out", async () => {
    const headers = { authorization: `Bearer ${api.secret}` };
    const first = await fetch(`${api.baseUrl}/api/keys`, { headers });
    const condition = { "if-none-match": first.headers.get("etag") ?? "" };
    expect((await fetch(`${api.baseUrl}/api/keys`, { headers: { ...headers, ...condition } })).status).toBe(304);
  });

  it("answers the list anew when a key came or went", async () => {
    const { headers } = await get("/api/keys");
    const key = api.plane.addKey();
    const more = await get("/api/keys")
      .set("If-None-Match", headers["etag"] ?? "")
      .expect(200);
    api.plane.keys.delete(key.keyId);
    await get("/api/keys")
      .set("If-None-Match", more.headers["etag"] ?? "")
      .expect(200);
    await get("/api/keys")
      .set("If-None-Match", headers["etag"] ?? "")
      .expect(304);
  });

  describe("of a long list", () => {
    const addKeys = (name: string) => {
      for (let keyId = 26; keyId <= 12_000; keyId += 1) api.plane.addKey({ keyId, name });
    };
    it.each(["/api/keys", "/api/keys?after=10"])("answers 304 to %s while nothing has changed", async (path) => {
      addKeys("a name");
      const first = await get(path).expect(200);
      expect(first.headers["content-length"]).toBeUndefined();
      const tag = first.headers["etag"] ?? "";
      await get(path).set("If-None-Match", tag).expect(304);
      api.plane.keys.delete(11_000);
      const { body } = await get(path).set("If-None-Match", tag).expect(200);
      expect(body.total).toBe(11_999);
    });

    it("is still buffered after many conditional reads, so that one pass over the keys suffices", async () => {
      addKeys("x".repeat(100));
      const first = await get("/api/keys").expect(200);
      const tag = first.headers["etag"] ?? "";
      for (let read = 0; read < 20; read += 1) await get("/api/keys").set("If-None-Match", tag).expect(304);
      const passes = vi.spyOn(api.plane.keyReader, "listActive");
      await get("/api/keys").expect(200);
      expect(passes).toHaveBeenCalledTimes(1);
    });

    it.each(["/api/keys", "/api/keys?after=10"])("gives %s no tag when it is too long to be buffered", async (path) => {
      addKeys("x".repeat(1_200));
      const { headers, body } = await get(path).expect(200);
      expect(headers["etag"]).toBeUndefined();
      expect(body.total).toBe(12_000);
    });
  });

  it("compresses long answers for those who take gzip, and for nobody else", async () => {
    const headers = { Authorization: `Bearer ${api.secret}` };
    const plain = await fetch(`${api.baseUrl}/api/keys`, { headers: { ...headers, "Accept-Encoding": "identity" } });
    expect(plain.headers.get("Content-Encoding")).toBeNull();
    const packed = await get("/api/keys")
      .set("Accept-Encoding", "gzip")
      .buffer(true)
      .parse((response, done) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () => done(null, Buffer.concat(parts)));
      });
    expect(packed.headers["content-encoding"]).toBe("gzip");
    const bytes: unknown = packed.body;
    const text = Buffer.isBuffer(bytes) && bytes[0] === 0x1f ? gunzipSync(bytes).toString() : String(bytes);
    expect(text).toBe(await plain.text());
  });

  describe("by UUID", () => {
    it.each(["", "/link", "/traffic"])("finds the key at /api/keys/{uuid}%s in any case", async (rest) => {
      const uuid = api.plane.keys.get(2)?.uuid ?? "";
      const byId = await get(`/api/keys/2${rest}`).expect(200);
      for (const spelled of [uuid, uuid.toUpperCase()]) {
        expect((await get(`/api/keys/${spelled}${rest}`).expect(200)).body).toEqual(byId.body);
      }
    });

    it("resets and deletes the key, and tells its id", async () => {
      const uuid = api.plane.keys.get(2)?.uuid ?? "";
      expect((await call(api, "post", `/api/keys/${uuid}/traffic/reset`)).body).toMatchObject({ key_id: 2 });
      expect((await call(api, "delete", `/api/keys/${uuid}`)).body.message).toBe("Key 2 deleted successfully");
      expect(answerOf(await get(`/api/keys/${uuid}`))).toMatchObject({ status: 404 });
    });

    it("does not find what is not there", async () => {
      const uuid = "123e4567-e89b-42d3-a456-426614174999";
      expect(answerOf(await get(`/api/keys/${uuid}`))).toEqual(failure(404, `Key with id ${uuid} not found`));
    });
  });
});
