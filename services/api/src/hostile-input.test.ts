import { request } from "node:http";
import { endpoints, InvalidRequestError, parseRequest } from "@veil/http-contract";
import { readSettings, SettingsError } from "@veil/runtime";
import {
  array,
  assert,
  asyncProperty,
  boolean,
  constantFrom,
  integer,
  ipV4,
  json,
  oneof,
  property,
  record,
  string,
  stringMatching,
  tuple,
  uint8Array,
  uuid,
} from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type InMemoryApi, startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";
import { addressList } from "./http/allow-addresses.ts";
import { callerFinder } from "./http/bearer-auth.ts";
import { apiSecrets, apiSettings } from "./settings.ts";

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A request as no well-kept client would send it. */
function send(
  api: InMemoryApi,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: Uint8Array,
): Promise<Answer> {
  const { hostname, port } = new URL(api.baseUrl);
  const authorization = `Bearer ${api.secret}`;
  return new Promise((resolve, reject) => {
    const asking = request({ hostname, port, method, path, headers: { authorization, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    asking.on("error", reject);
    asking.end(body);
  });
}

function expectClean({ status, text }: Answer, allowed: readonly number[]): void {
  expect(allowed).toContain(status);
  if (status < 400) return;
  expect(Object.keys(JSON.parse(text) as object)).toEqual(["detail"]);
  expect(text).not.toMatch(/node:|\.ts:|\.js:|Error:/);
}

const json_ = { "content-type": "application/json" };
const headerText = stringMatching(/^[\x20-\x7e\x80-\xff]{0,300}$/);
const runs = { numRuns: 150 };

describe("input that nobody meant", () => {
  let api: InMemoryApi;
  let behindProxy: InMemoryApi;
  beforeAll(async () => {
    api = await startInMemoryApi({ allowedAddresses: null });
    behindProxy = await startInMemoryApi({ trustedProxies: 1, allowedAddresses: addressList(["203.0.113.0/24"]) });
    behindProxy.plane.addKey({ keyId: 1 });
  });
  afterAll(async () => {
    await api.close();
    await behindProxy.close();
  });

  it("as a body of any bytes and any encoding is answered 400, 413 or 415, or makes a key", async () => {
    const encoding = constantFrom(
      {},
      { "content-encoding": "gzip" },
      { "content-encoding": "br" },
      { "content-encoding": "x" },
    );
    await assert(
      asyncProperty(uint8Array({ maxLength: 2_000 }), encoding, async (bytes, headers) => {
        expectClean(await send(api, "POST", "/api/keys", { ...json_, ...headers }, bytes), [200, 400, 413, 415]);
      }),
      runs,
    );
  });

  it("as any JSON for any write is answered 200, 400 or 404", async () => {
    const path = constantFrom("/api/keys", "/api/keys/batch", "/api/keys/batch-delete", "/api/keys/7/traffic/reset");
    const shaped = record({ name: json(), keys: json(), key_ids: json() }).map((fields) =>
      JSON.stringify(Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, JSON.parse(text)]))),
    );
    await assert(
      asyncProperty(path, oneof(json(), shaped), async (where, text) => {
        expectClean(await send(api, "POST", where, json_, Buffer.from(text)), [200, 400, 404]);
      }),
      runs,
    );
  });

  it("as a path is answered 400, 404 or 405", async () => {
    // Without keys, so that no id that comes up by chance is one.
    const empty = await startInMemoryApi();
    const segment = oneof(string().map(encodeURIComponent), stringMatching(/^[!$-.:->@-~%][!$-.:-~%]{0,39}$/));
    await assert(
      asyncProperty(
        constantFrom("GET", "DELETE"),
        segment,
        constantFrom("", "/link", "/x"),
        async (method, id, rest) => {
          expectClean(await send(empty, method, `/api/keys/${id}${rest}`), [
            400,
            404,
            405,
            ...(id === "" ? [200] : []),
          ]);
        },
      ),
      runs,
    );
    await empty.close();
  });

  it("as a query is answered 200 or 400", async () => {
    const name = oneof(constantFrom("limit", "after", "limit[]", "__proto__"), string().map(encodeURIComponent));
    const value = oneof(integer().map(String), string().map(encodeURIComponent));
    await assert(
      asyncProperty(array(tuple(name, value), { maxLength: 4 }), async (pairs) => {
        const query = pairs.map((pair) => pair.join("=")).join("&");
        expectClean(await send(api, "GET", `/api/keys?${query}`), [200, 400]);
      }),
      runs,
    );
  });

  it("in headers is answered 200 or 400", async () => {
    const name = constantFrom(
      "idempotency-key",
      "prefer",
      "if-none-match",
      "x-request-id",
      "x-forwarded-for",
      "accept",
    );
    await assert(
      asyncProperty(name, headerText, async (header, text) => {
        expectClean(await send(api, "POST", "/api/keys", { ...json_, [header]: text }), [200, 202, 400]);
      }),
      runs,
    );
  });

  it("as a token is answered 401", async () => {
    await assert(
      asyncProperty(headerText, async (text) => {
        expectClean(await send(api, "GET", "/api/keys", { authorization: text }), [401]);
        expectClean(await send(api, "GET", "/api/keys", { authorization: `Bearer ${text}` }), [401]);
      }),
      runs,
    );
  });

  it("before the entry that the believed proxy wrote in X-Forwarded-For changes nothing", async () => {
    await assert(
      asyncProperty(headerText, boolean(), async (forged, isAllowed) => {
        const seen = isAllowed ? "203.0.113.7" : "198.51.100.1";
        const { status } = await send(behindProxy, "GET", "/api/keys/1", { "x-forwarded-for": `${forged}, ${seen}` });
        expect(status).toBe(isAllowed ? 200 : 403);
      }),
      runs,
    );
  });
});

/** The result of a parser, null when it refuses the text. */
function orNull<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch (error) {
    if (error instanceof InvalidRequestError) return null;
    throw error;
  }
}

describe("parsers of requests", () => {
  it("take as a key_id a whole number up to 2^53-1 or a UUID, and nothing else", () => {
    const text = oneof(
      string(),
      stringMatching(/^[0-9]{1,20}$/),
      uuid(),
      uuid().map((id) => id.toUpperCase()),
    );
    assert(
      property(text, (key_id) => {
        const parsed = orNull(
          () => parseRequest(endpoints.getKey, { params: { key_id }, body: undefined }).params.key_id,
        );
        const isId = /^[0-9]+$/.test(key_id) && Number(key_id) <= Number.MAX_SAFE_INTEGER;
        const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(key_id);
        expect(parsed).toBe(isId ? Number(key_id) : isUuid ? key_id.toLowerCase() : null);
      }),
    );
  });

  it("take as a limit 1 to 1000 and as a place to go on any id", () => {
    assert(
      property(oneof(integer({ min: -2, max: 1_100 }).map(String), string()), (text) => {
        const isNumber = /^[0-9]{1,16}$/.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER;
        const isLimit = isNumber && Number(text) >= 1 && Number(text) <= 1_000;
        const page = (query: object) =>
          orNull(() => parseRequest(endpoints.listKeys, { params: {}, query: { ...query }, body: undefined }).query);
        expect(page({ limit: text })).toEqual(isLimit ? { limit: Number(text) } : null);
        expect(page({ after: text })).toEqual(isNumber ? { after: Number(text) } : null);
      }),
    );
  });
});

describe("parsers of settings", () => {
  const read = (env: Record<string, string>) =>
    readSettings(apiSettings, { program: "api", env: { API_SECRET_KEY: "0".repeat(32), ...env } });
  const refuses = (env: Record<string, string>) => {
    try {
      read(env);
      return false;
    } catch (error) {
      if (error instanceof SettingsError) return true;
      throw error;
    }
  };

  it("take any list of addresses and ranges as ALLOWED_IPS and TRUST_PROXY", () => {
    const range = tuple(ipV4(), integer({ min: 0, max: 32 })).map(([address, bits]) => `${address}/${bits}`);
    assert(
      property(array(oneof(ipV4(), range), { minLength: 1, maxLength: 5 }), (entries) => {
        const text = entries.join(", ");
        const { ALLOWED_IPS, TRUST_PROXY } = read({ ALLOWED_IPS: text, TRUST_PROXY: text });
        for (const list of [ALLOWED_IPS, typeof TRUST_PROXY === "object" ? TRUST_PROXY : null]) {
          for (const entry of entries) expect(list?.check(entry.split("/")[0] ?? "")).toBe(true);
        }
      }),
    );
  });

  it("refuse what is no address by name, whatever it is", () => {
    assert(
      property(stringMatching(/^[g-z!@#$%^&*]{1,30}$/), (text) => {
        expect([refuses({ ALLOWED_IPS: text }), refuses({ TRUST_PROXY: text })]).toEqual([true, true]);
      }),
    );
  });

  it("find the caller of every secret by it or by its whole entry, and nobody else", () => {
    const secret = stringMatching(/^[!-+\--9;-~]{32,60}$/);
    const name = stringMatching(/^[A-Za-z][\w-]{0,20}$/);
    assert(
      property(tuple(secret, secret, name, string()), ([bare, other, caller, unknownToken]) => {
        const API_SECRET_KEY = `${bare},${caller}:${other}`;
        const find = callerFinder(apiSecrets(read({ API_SECRET_KEY })));
        expect(find(bare)).toMatchObject({ label: 1, scopes: ["*"] });
        const known = new Set([bare, other, `${caller}:${other}`]);
        if (bare !== other) for (const token of [other, `${caller}:${other}`]) expect(find(token)?.label).toBe(caller);
        for (const token of [API_SECRET_KEY, unknownToken, `${bare} `, bare.slice(1)]) {
          expect(find(token) === null).toBe(!known.has(token));
        }
      }),
    );
  });
});
