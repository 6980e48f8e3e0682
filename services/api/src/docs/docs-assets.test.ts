import { get, type IncomingMessage } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

const BUNDLE = "/docs/assets/swagger-ui-bundle.js";
const largeFiles = [BUNDLE, "/docs/assets/redoc.standalone.js", "/openapi.json"];

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

describe("the files of the documentation", () => {
  let api: InMemoryApi;

  beforeAll(async () => {
    api = await startInMemoryApi();
  });
  afterAll(async () => {
    await api.close();
  });

  /** Reads a file without unpacking it. */
  function read(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      get(`${api.baseUrl}${path}`, { headers }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () =>
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }),
        );
      }).on("error", reject);
    });
  }

  it.each(largeFiles)("sends %s in whatever way the client unpacks", async (path) => {
    const plain = await read(path);
    expect(plain.headers["content-encoding"]).toBeUndefined();
    const brotli = await read(path, { "accept-encoding": "gzip, deflate, br" });
    expect(brotli.headers["content-encoding"]).toBe("br");
    expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true);
    const gzip = await read(path, { "accept-encoding": "gzip, br;q=0" });
    expect(gzip.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);
    for (const { headers } of [plain, brotli, gzip]) {
      expect(headers["vary"]).toMatch(/\bAccept-Encoding\b/);
      expect(headers["content-type"]).toMatch(path.endsWith(".js") ? /^text\/javascript/ : /^application\/json/);
    }
    expect(new Set([plain, brotli, gzip].map(({ headers }) => headers["etag"])).size).toBe(3);
  });

  it("answers 304 while a client has the file", async () => {
    const { headers } = await read(BUNDLE, { "accept-encoding": "br" });
    const again = await read(BUNDLE, { "accept-encoding": "br", "if-none-match": headers["etag"] ?? "" });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  });

  it.each(["br", "gzip"])("compresses each file once, not for every request (%s)", async (encoding) => {
    const readAll = () => Promise.all(largeFiles.map((path) => read(path, { "accept-encoding": encoding })));
    await readAll();
    const before = process.cpuUsage();
    const rounds = 20;
    for (let round = 0; round < rounds; round += 1) await readAll();
    const { user, system } = process.cpuUsage(before);
    const msPerFile = (user + system) / 1_000 / rounds / largeFiles.length;
    // Compressing one of them takes about 40 ms.
    expect(msPerFile).toBeLessThan(15);
  });
});

it("serves an address so much of the documentation in a minute, and everything else on", async () => {
  const api = await startInMemoryApi({ trustedProxies: 1 });
  const read = (path: string, address: string) => request(api.baseUrl).get(path).set("X-Forwarded-For", address);
  const readMany = async (times: number) => {
    for (let time = 0; time < times; time += 1) await read("/redoc", "203.0.113.7").expect(200);
  };
  await Promise.all(Array.from({ length: 6 }, () => readMany(100)));
  // The minute that counts may end meanwhile on a busy machine; the next one has begun with the first request after it then.
  let refused = await read("/openapi.json", "203.0.113.7:5");
  for (let more = 0; refused.status === 200 && more < 600; more += 1)
    refused = await read("/openapi.json", "203.0.113.7:5");
  expect([refused.status, refused.body]).toEqual([429, { detail: "Too many requests" }]);
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  await expect.poll(() => api.finished.at(-1)).toMatchObject({ route: "/openapi.json", status: 429 });
  await read("/", "203.0.113.7").expect(200);
  await read("/docs", "203.0.113.8").expect(200);
  await api.close();
});

describe("an API without documentation", () => {
  it.each(["/docs", "/redoc", "/openapi.json", ...largeFiles])("knows no %s", async (path) => {
    const api = await startInMemoryApi({ hasDocs: false });
    try {
      await request(api.baseUrl).get(path).expect(404, { detail: "Not Found" });
      await request(api.baseUrl).get("/").expect(200);
    } finally {
      await api.close();
    }
  });
});
