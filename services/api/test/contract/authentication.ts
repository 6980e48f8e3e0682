import { endpoints, operationIds } from "@veil/http-contract";
import request from "supertest";
import { describe, expect, it } from "vitest";
import type { ContractTarget } from "../contract-suite.ts";
import { answerOf, failure } from "./bot.ts";

const guarded = operationIds.map((id) => endpoints[id]).filter(({ auth }) => auth === "bearer");

export function describeAuthentication(target: () => ContractTarget): void {
  describe("authentication", () => {
    const get = (path: string, authorization?: string) => {
      const sent = request(target().baseUrl).get(path);
      return authorization === undefined ? sent : sent.set("Authorization", authorization);
    };
    const bad: Record<string, () => string | undefined> = {
      "no header": () => undefined,
      "an empty header": () => "",
      "a scheme without a token": () => "Bearer",
      "a scheme with blanks only": () => "Bearer   ",
      "a token without a scheme": () => target().secret,
      "another scheme": () => `Basic ${target().secret}`,
      "a scheme that begins alike": () => `BearerX ${target().secret}`,
      "a wrong token": () => "Bearer wrong-token-of-more-than-32-characters",
      "a token that is too short": () => `Bearer ${target().secret.slice(0, -1)}`,
      "a token that is too long": () => `Bearer ${target().secret}x`,
      "a token in another case": () => `Bearer ${target().secret.toUpperCase()}`,
      "two tokens": () => `Bearer ${target().secret},${target().secret}`,
      "a very long token": () => `Bearer ${"x".repeat(8_000)}`,
    };

    it.each(Object.entries(bad))("answers 401 with a challenge to %s", async (_name, authorization) => {
      const response = await get("/api/keys", authorization());
      expect(answerOf(response)).toEqual(failure(401));
      expect(response.headers["www-authenticate"]).toBe("Bearer");
    });

    it.each(["Bearer", "bearer", "BEARER", "beAReR"])("takes the scheme as %s", async (scheme) => {
      expect((await get("/api/keys/0", `${scheme} ${target().secret}`)).status).toBe(404);
    });

    it("takes several blanks between scheme and token, and blanks behind it", async () => {
      expect((await get("/api/keys/0", `Bearer   ${target().secret}  `)).status).toBe(404);
    });

    it.each(guarded)("guards $method $path", async ({ method, path }) => {
      expect(answerOf(await request(target().baseUrl)[method](path.replace(/\{\w+\}/g, "1")))).toEqual(failure(401));
    });

    it.each([
      ["an unknown path", "get", "/api/nothing"],
      ["the bare prefix", "get", "/api"],
      ["a wrong method", "patch", "/api/keys"],
      ["a bad key id", "get", "/api/keys/abc"],
      ["a bad path", "get", "/api/keys/%ZZ"],
    ] as const)("asks for the token first, also for %s under /api", async (_name, method, path) => {
      expect(answerOf(await request(target().baseUrl)[method](path))).toEqual(failure(401));
    });

    it("asks for the token before it reads a body", async () => {
      const response = await request(target().baseUrl)
        .post("/api/keys")
        .set("Content-Type", "application/json")
        .send("{broken");
      expect(answerOf(response)).toEqual(failure(401));
    });

    it.each(["/", "/docs", "/redoc", "/openapi.json"])("asks for no token at %s", async (path) => {
      expect((await get(path)).status).toBe(200);
    });
  });
}
