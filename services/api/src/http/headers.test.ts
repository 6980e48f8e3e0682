import { endpoints, openApiDocument } from "@veil/http-contract";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";
import type { OriginPolicy } from "./headers.ts";

async function allowedOrigin(origins: OriginPolicy, origin: string): Promise<[string | undefined, string | undefined]> {
  const api = await startInMemoryApi({ origins });
  const simple = await request(api.baseUrl).get("/").set("Origin", origin);
  const preflight = await request(api.baseUrl)
    .options("/api/keys")
    .set("Origin", origin)
    .set("Access-Control-Request-Method", "POST");
  await api.close();
  return [simple.headers["access-control-allow-origin"], preflight.headers["access-control-allow-origin"]];
}

it("shows pages of other origins every header that the contract describes", async () => {
  const api = await startInMemoryApi();
  const { headers } = await request(api.baseUrl).get("/").set("Origin", "https://admin.example");
  await api.close();
  const exposed = headers["access-control-expose-headers"]?.split(",") ?? [];
  expect(exposed).toEqual(expect.arrayContaining(Object.keys(openApiDocument("1.2.3").components.headers)));
});

it("lets pages of other origins call every endpoint, and shows them what came of a put", async () => {
  const api = await startInMemoryApi();
  for (const { method } of Object.values(endpoints)) {
    const { headers } = await request(api.baseUrl)
      .options("/api/keys/1")
      .set("Origin", "https://admin.example")
      .set("Access-Control-Request-Method", method.toUpperCase());
    expect(headers["access-control-allow-methods"]?.split(",")).toContain(method.toUpperCase());
    expect(headers["access-control-expose-headers"]?.split(",")).toContain("Veil-Outcome");
  }
  await api.close();
});

describe("cross-origin policy", () => {
  const listed = ["https://admin.example", "http://localhost:3000"];

  it.each(listed)("lets a listed origin in: %s", async (origin) => {
    expect(await allowedOrigin(listed, origin)).toEqual([origin, origin]);
  });

  it.each(["https://evil.example", "https://admin.example.evil.example", "http://admin.example", "null"])(
    "keeps an origin out that is not listed: %s",
    async (origin) => {
      expect(await allowedOrigin(listed, origin)).toEqual([undefined, undefined]);
    },
  );

  it("keeps all out when it is off", async () => {
    expect(await allowedOrigin("off", "https://admin.example")).toEqual([undefined, undefined]);
  });
});
