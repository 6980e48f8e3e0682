import { type Endpoint, endpoints, operationIds } from "@veil/http-contract";
import request from "supertest";
import { afterEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../test/contract/bot.ts";
import { type InMemoryApi, startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";
import type { AppDependencies } from "./create-app.ts";
import { addressList } from "./http/allow-addresses.ts";
import type { ApiSecret } from "./http/bearer-auth.ts";

describe("who may do what", () => {
  let api: InMemoryApi;
  afterEach(async () => {
    await api.close();
  });
  const start = async (overrides: Partial<AppDependencies>) => {
    api = await startInMemoryApi(overrides);
    api.plane.addKey({ keyId: 1 });
  };

  it("lets a read-only secret read and nothing else", async () => {
    const panel: ApiSecret = { name: "panel", tokens: ["read-only-secret-of-32-characters-1"], readOnly: true };
    await start({ secrets: () => [panel] });
    await call(api, "get", "/api/keys/1").expect(200);
    for (const endpoint of operationIds.map((id): Endpoint => endpoints[id])) {
      if (endpoint.auth === "none" || endpoint.scope.endsWith(":read")) continue;
      expect(answerOf(await call(api, endpoint.method, endpoint.path.replace(/\{\w+\}/g, "1")))).toEqual(
        failure(403, `This token lacks the scope ${endpoint.scope}`),
      );
    }
    expect(api.plane.jobs.submitted).toEqual([]);
  });

  it("takes a named secret with and without its name", async () => {
    const secret = "named-secret-of-32-characters-0001";
    const botA: ApiSecret = { name: "botA", tokens: [secret, `botA:${secret}`], readOnly: false };
    await start({ secrets: () => [botA] });
    for (const token of [secret, `botA:${secret}`]) {
      await request(api.baseUrl).get("/api/keys").set("Authorization", `Bearer ${token}`).expect(200);
    }
    await request(api.baseUrl).get("/api/keys").set("Authorization", `Bearer botB:${secret}`).expect(401);
  });

  it("takes the secrets that there are now, and no former one", async () => {
    const secretOf = (token: string): ApiSecret => ({ name: null, tokens: [token], readOnly: false });
    const former = secretOf("former-secret-of-32-characters-001");
    const latter = secretOf("latter-secret-of-32-characters-001");
    let secrets = [former];
    await start({ secrets: () => secrets });
    const statusOf = async (secret: ApiSecret) =>
      (await request(api.baseUrl).get("/api/keys").set("Authorization", `Bearer ${secret.tokens[0]}`)).status;
    expect([await statusOf(former), await statusOf(latter)]).toEqual([200, 401]);
    secrets = [former, latter];
    expect([await statusOf(former), await statusOf(latter)]).toEqual([200, 200]);
    secrets = [latter];
    expect([await statusOf(former), await statusOf(latter)]).toEqual([401, 200]);
  });

  it.each([
    [["127.0.0.0/8"], 200],
    [["10.0.0.0/8", "127.0.0.1"], 200],
    [["10.0.0.0/8", "2001:db8::/32"], 403],
  ])("lets only addresses of %j in", async (entries, status) => {
    await start({ allowedAddresses: addressList(entries) });
    const response = await call(api, "get", "/api/keys/1");
    expect(response.status).toBe(status);
    if (status === 403) expect(answerOf(response)).toEqual(failure(403, "This address is not allowed"));
  });

  it.each(["/", "/docs", "/redoc", "/openapi.json"])("answers %s to addresses that are not let in", async (path) => {
    await start({ allowedAddresses: addressList(["203.0.113.0/24"]) });
    await request(api.baseUrl).get(path).expect(200);
    await request(api.baseUrl).get(`${path}none-such`).expect(404);
  });

  it.each(["/api", "/api/", "/api/none-such"])("refuses them %s, token or not", async (path) => {
    await start({ allowedAddresses: addressList(["203.0.113.0/24"]) });
    expect(answerOf(await request(api.baseUrl).get(path))).toEqual(failure(403, "This address is not allowed"));
  });

  it.each([
    ["nobody believed", false, "203.0.113.7", 403],
    ["one proxy believed", 1, "203.0.113.7", 200],
    ["one proxy believed, and a forged entry before its own", 1, "203.0.113.7, 198.51.100.1", 403],
    ["this proxy believed", ["127.0.0.1"], "203.0.113.7", 200],
    ["another proxy believed", ["10.0.0.1"], "203.0.113.7", 403],
    ["nonsense from a believed proxy", 1, "nonsense", 403],
    ["a port behind the address", 1, "203.0.113.7:4711", 200],
    ["a port behind another address", 1, "198.51.100.1:4711", 403],
    ["an address that is mapped into IPv6", 1, "::ffff:203.0.113.7", 200],
    ["another address that is mapped into IPv6", 1, "::ffff:198.51.100.1", 403],
    ["an address that is mapped and has a port", 1, "[::ffff:cb00:7107]:80", 200],
    ["an IPv6 address with a port", 1, "[2001:db8::7]:4711", 200],
    ["another IPv6 address with a port", 1, "[2001:db9::7]:4711", 403],
    [
      "a believed proxy that stands in the header with its port",
      ["127.0.0.1", "10.0.0.1"],
      "203.0.113.7:1, 10.0.0.1:2",
      200,
    ],
    [
      "a forged entry before a believed proxy's",
      ["127.0.0.1", "10.0.0.1"],
      "203.0.113.7, 198.51.100.1, 10.0.0.1:2",
      403,
    ],
  ] as const)("reads X-Forwarded-For with %s", async (_name, trustedProxies, forwarded, status) => {
    await start({
      trustedProxies: typeof trustedProxies === "object" ? (addressList(trustedProxies) ?? false) : trustedProxies,
      allowedAddresses: addressList(["203.0.113.0/24", "2001:db8::/32"]),
    });
    expect((await call(api, "get", "/api/keys/1").set("X-Forwarded-For", forwarded)).status).toBe(status);
  });

  it("tells callers what is left to them, and refuses what is beyond", async () => {
    let left = 2;
    await start({
      rate: {
        take: async () => {
          left -= 1;
          return { allowed: left >= 0, limit: 2, remaining: Math.max(0, left), resetSeconds: 1 };
        },
      },
    });
    const { headers } = await call(api, "get", "/api/keys/1").expect(200);
    expect([headers["ratelimit"], headers["ratelimit-policy"]]).toEqual(['"token";r=1;t=1', '"token";q=2;w=1']);
    await call(api, "get", "/api/keys/1").expect(200);
    const refused = await call(api, "post", "/api/keys");
    expect(answerOf(refused)).toEqual(failure(429, "Too many requests"));
    expect(refused.headers["retry-after"]).toBe("1");
    expect(api.plane.jobs.submitted).toEqual([]);
  });

  it("slows down who tries tokens, and never refuses a right one", async () => {
    const failed: unknown[] = [];
    await start({ authFailures: { fail: async (address) => failed.push(address) } });
    const refused = await call({ ...api, secret: "wrong-token-of-more-than-32-characters" }, "get", "/api/keys");
    expect(answerOf(refused)).toEqual(failure(429, "Too many failed attempts to authenticate"));
    expect(refused.headers["retry-after"]).toBe("1");
    await call(api, "get", "/api/keys").expect(200);
    expect(failed).toHaveLength(1);
  });
});

it.each([
  ["nobody is believed", false, "203.0.113.7", "127.0.0.1"],
  ["one proxy is believed", 1, "198.51.100.1, 203.0.113.7", "203.0.113.7"],
] as const)("counts wrong tokens for the true address when %s", async (_name, trustedProxies, forwarded, counted) => {
  const addresses: string[] = [];
  const fail = async (address = "") => {
    addresses.push(address);
    return null;
  };
  const api = await startInMemoryApi({ trustedProxies, authFailures: { fail } });
  const wrongSecret = { ...api, secret: "wrong-token-of-more-than-32-characters" };
  await call(wrongSecret, "get", "/api/keys").set("X-Forwarded-For", forwarded).expect(401);
  await api.close();
  expect(addresses).toEqual([counted]);
});

describe("addressList", () => {
  it.each(["10.0.0.0/33", "::/129", "10.0.0", "10.0.0.1/", "10.0.0.1/x", "a", "", "1.2.3.4/8/8"])(
    "refuses %j",
    (entry) => {
      expect(addressList([entry])).toBeNull();
    },
  );
});
