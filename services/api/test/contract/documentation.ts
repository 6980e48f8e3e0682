import { endpoints } from "@veil/http-contract";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { ContractTarget } from "../contract-suite.ts";
import { answerOf, call, dropKey, failure, UNKNOWN_ID } from "./bot.ts";

const documentSchema = z.looseObject({
  openapi: z.string().startsWith("3.1"),
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ operationId: z.string() }))),
});

const methods = ["get", "post", "put", "patch", "delete"] as const;

export function describeDocumentation(target: () => ContractTarget): void {
  const open = (path: string) => request(target().baseUrl).get(path);
  const readDocument = async () => documentSchema.parse((await open("/openapi.json").expect(200)).body);
  const concrete = (path: string) => path.replace("{key_id}", String(UNKNOWN_ID));

  describe("documentation", () => {
    it("says at / that the API answers", async () => {
      expect((await open("/").expect(200)).body).toEqual({ status: "ok", service: "veil-xray-api" });
    });

    it("documents only routes that exist", async () => {
      const { paths } = await readDocument();
      for (const [path, operations] of Object.entries(paths)) {
        for (const method of methods.filter((one) => one in operations)) {
          const response = await call(target(), method, concrete(path)).redirects(0);
          expect([path, method, answerOf(response)]).not.toEqual([path, method, failure(404, "Not Found")]);
          expect([path, method, response.status]).not.toEqual([path, method, 405]);
          const made = endpoints.createKey.success.schema.safeParse(response.body);
          if (made.success) await dropKey(target(), made.data);
        }
      }
    });

    it("documents every method that a route takes", async () => {
      const { paths } = await readDocument();
      for (const [path, operations] of Object.entries(paths)) {
        const { headers } = await call(target(), "options", concrete(path)).expect(204);
        const allowed = headers["allow"]?.toLowerCase().split(", ") ?? [];
        const documented = methods.filter((method) => method in operations);
        expect([path, ...methods.filter((method) => allowed.includes(method))]).toEqual([path, ...documented]);
      }
    });

    it.each([
      ["/docs", "swagger-ui"],
      ["/redoc", "redoc"],
    ])("serves %s and all its files itself, under a policy without outside hosts", async (path, element) => {
      const page = await open(path)
        .expect(200)
        .expect("Content-Type", /^text\/html/);
      expect(page.text).toContain(`id="${element}"`);
      const policy = page.headers["content-security-policy"] ?? "";
      expect(policy).toContain("script-src 'self';");
      expect(policy).not.toMatch(/https?:|\*/);

      const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
      expect(files.length).toBeGreaterThan(3);
      for (const file of files) {
        expect(file).toMatch(/^\/[a-z]/);
        const response = await open(file).buffer(true).expect(200);
        expect(response.headers["content-type"]).toMatch(/javascript|css|png|json/);
      }
      expect(page.text).not.toMatch(/<script>|<style>| on\w+=/);
    });
  });
}
