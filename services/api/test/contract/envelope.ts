import { connect } from "node:net";
import request from "supertest";
import { describe, expect, it } from "vitest";
import type { ContractTarget } from "../contract-suite.ts";
import { call, answerOf, failure, UNKNOWN_ID } from "./bot.ts";

const freshId = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function describeEnvelope(target: () => ContractTarget): void {
  describe("request ids", () => {
    it.each(["bot-42", "a", "A.b_c-9", "x".repeat(128)])("keeps the caller's %s", async (id) => {
      const response = await request(target().baseUrl).get("/").set("X-Request-Id", id);
      expect(response.headers["x-request-id"]).toBe(id);
    });

    it.each(["", "has blanks", "semi;colon", "x".repeat(129), "<script>", "a,b"])(
      "replaces %j by a fresh one",
      async (id) => {
        const response = await request(target().baseUrl).get("/").set("X-Request-Id", id);
        expect(response.headers["x-request-id"]).toMatch(freshId);
      },
    );

    it.each([
      ["200", "get", "/"],
      ["404", "get", "/nothing"],
      ["405", "put", "/"],
      ["400", "get", "/%ZZ"],
      ["404 of a key", "get", `/api/keys/${UNKNOWN_ID}`],
    ] as const)("stands on a %s", async (_name, method, path) => {
      const response = await call(target(), method, path).set("X-Request-Id", "kept");
      expect(response.headers["x-request-id"]).toBe("kept");
    });

    it("stands on a 401", async () => {
      const response = await request(target().baseUrl).get("/api/keys").set("X-Request-Id", "kept");
      expect([response.status, response.headers["x-request-id"]]).toEqual([401, "kept"]);
    });
  });

  describe("paths and methods", () => {
    it.each([
      "/nothing",
      "/API/keys",
      "/api/Keys",
      "/apikeys",
      "/api/keys/1/2",
      "/api/keys//",
      "//api/keys",
      "/metrics",
    ])("answers 404 to %s", async (path) => {
      expect(answerOf(await call(target(), "get", path))).toEqual(failure(404, "Not Found"));
    });

    it.each(["/%ZZ", "/api/keys/%", "/api/keys/%E0%A4%A"])("answers 400 to the malformed path %s", async (path) => {
      expect(answerOf(await call(target(), "get", path))).toEqual(failure(400));
    });

    it.each([
      ["put", "/", "GET, HEAD, OPTIONS"],
      ["post", "/openapi.json", "GET, HEAD, OPTIONS"],
      ["patch", "/api/keys", "GET, HEAD, OPTIONS, POST"],
      ["post", "/api/keys/1", "DELETE, GET, HEAD, OPTIONS, PATCH"],
      ["delete", "/api/keys", "GET, HEAD, OPTIONS, POST"],
      ["get", "/api/traffic/sync", "OPTIONS, POST"],
      ["get", "/api/keys/1/traffic/reset", "OPTIONS, POST"],
    ] as const)("answers 405 to %s %s and names what is allowed", async (method, path, allowed) => {
      const response = await call(target(), method, path);
      expect(answerOf(response)).toEqual(failure(405, "Method Not Allowed"));
      expect(new Set(response.headers["allow"]?.split(", "))).toEqual(new Set(allowed.split(", ")));
    });

    it("tells what a path allows on OPTIONS", async () => {
      const response = await call(target(), "options", "/api/keys").expect(204);
      expect(response.headers["allow"]).toContain("POST");
    });

    it.each(["/docs/", "/redoc/", "/openapi.json/", "/api/keys/"])("answers %s without a redirect", async (path) => {
      expect((await call(target(), "get", path).redirects(0)).status).toBe(200);
    });

    it("tolerates a trailing slash behind a key id", async () => {
      expect(answerOf(await call(target(), "get", `/api/keys/${UNKNOWN_ID}/`))).toEqual(
        failure(404, `Key with id ${UNKNOWN_ID} not found`),
      );
    });

    it("ignores queries", async () => {
      expect((await call(target(), "get", "/?a=1&b[c]=2&%ZZ")).status).toBe(200);
    });
  });

  describe("headers", () => {
    it("says nothing of the software and much of safety", async () => {
      const { headers } = await request(target().baseUrl).get("/");
      expect(headers["x-powered-by"]).toBeUndefined();
      expect(headers["server"]).toBeUndefined();
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["content-security-policy"]).toContain("default-src 'none'");
      expect(headers["strict-transport-security"]).toBeUndefined();
    });

    it("keeps shared caches from storing answers", async () => {
      const { headers } = await call(target(), "get", "/api/keys");
      expect(headers["cache-control"]).toBe("private, no-cache");
    });
  });

  describe("cross-origin requests", () => {
    it("lets pages of any origin read answers, errors too, without credentials", async () => {
      for (const path of ["/", "/api/keys"]) {
        const { headers } = await request(target().baseUrl).get(path).set("Origin", "https://admin.example");
        expect(headers["access-control-allow-origin"]).toBe("*");
        expect(headers["access-control-allow-credentials"]).toBeUndefined();
        expect(headers["access-control-expose-headers"]).toContain("X-Request-Id");
      }
    });

    it("answers a preflight without a token", async () => {
      const { status, headers } = await request(target().baseUrl)
        .options("/api/keys/1")
        .set("Origin", "https://admin.example")
        .set("Access-Control-Request-Method", "DELETE")
        .set("Access-Control-Request-Headers", "authorization,content-type");
      expect(status).toBe(204);
      expect(headers["access-control-allow-methods"]).toContain("DELETE");
      expect(headers["access-control-allow-headers"]).toBe("authorization,content-type");
    });
  });

  describe("requests that are not HTTP", () => {
    it.each([
      ["nonsense", "NONSENSE\r\n\r\n", 400],
      ["a broken header", "GET / HTTP/1.1\r\nHost: x\r\nBroken header\r\n\r\n", 400],
      ["headers beyond measure", `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ])("are answered in the same form: %s", async (_name, text, status) => {
      const answer = await exchange(target().baseUrl, text);
      const [head = "", body = ""] = answer.split("\r\n\r\n");
      expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(head).toMatch(/\r\nX-Request-Id: [0-9a-f-]{36}/);
      expect(answerOf({ status, body: JSON.parse(body) })).toEqual(failure(status));
    });
  });
}

/** Sends bytes and reads until the server closes. */
function exchange(baseUrl: string, text: string): Promise<string> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("close", () => resolve(answer)).on("error", reject);
  });
}
