import { gzipSync } from "node:zlib";
import { endpoints } from "@veil/http-contract";
import { describe, expect, it } from "vitest";
import type { ContractTarget } from "../contract-suite.ts";
import { call, dropKey, answerOf, failure, makeKey, postRaw } from "./bot.ts";

const JSON_TYPE = "application/json";

export function describeBodies(target: () => ContractTarget): void {
  const post = (contentType: string | null, body: string | Buffer) => postRaw(target(), "/api/keys", contentType, body);

  describe("bodies that are not JSON", () => {
    it.each([
      ["a brace", "{"],
      ["a trailing comma", '{"name":"x",}'],
      ["single quotes", "{'name':'x'}"],
      ["bare words", "name=x"],
      ["blanks only", "  \n"],
      ["two values", '{"name":"x"}{"name":"y"}'],
      ["a NUL byte", "\u0000"],
      ["a raw line break in a string", '{"name":"a\nb"}'],
      ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22])],
      ["a name that is not UTF-8", Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xc3]), Buffer.from('"}')])],
    ])("answers 400 to %s", async (_name, body) => {
      expect(answerOf(await post(JSON_TYPE, body))).toEqual(failure(400));
    });

    it.each(["[{}]", '"text"', "1", "true"])("answers 400 to %s: JSON, but no object", async (body) => {
      expect(answerOf(await post(JSON_TYPE, body))).toEqual(failure(400, "the body must be a JSON object"));
    });

    it("answers 400 to deep nesting within the limit", async () => {
      expect(answerOf(await post(JSON_TYPE, "[".repeat(60_000)))).toEqual(failure(400));
    });
  });

  describe("declared types", () => {
    it.each([
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/xml",
      "application/jsonp",
      "application/json; charset=iso-8859-1",
      "application/json; charset=utf-16",
      "nonsense",
    ])("answers 415 to a body declared as %s", async (contentType) => {
      expect(answerOf(await post(contentType, '{"name":"x"}'))).toEqual(failure(415));
    });

    it.each(["application/json; charset=utf-8", 'Application/JSON; Charset="UTF-8"', "application/merge-patch+json"])(
      "takes a body declared as %s",
      async (contentType) => {
        const response = await call(target(), "post", "/api/keys").set("Content-Type", contentType).send("{}");
        expect(answerOf(response)).toMatchObject({ status: 200 });
        await dropKey(target(), endpoints.createKey.success.schema.parse(response.body));
      },
    );

    it("answers 415 to an unknown compression", async () => {
      const response = await call(target(), "post", "/api/keys")
        .set("Content-Type", JSON_TYPE)
        .set("Content-Encoding", "rot13")
        .send("{}");
      expect(answerOf(response)).toEqual(failure(415));
    });

    it("unpacks gzip and answers 400 when it is broken", async () => {
      const send = (body: Buffer) =>
        fetch(`${target().baseUrl}/api/keys`, {
          method: "POST",
          headers: {
            Authorization: `Bearer ${target().secret}`,
            "Content-Type": JSON_TYPE,
            "Content-Encoding": "gzip",
          },
          body,
        });
      const response = await send(gzipSync('{"name":5}'));
      expect(answerOf({ status: response.status, body: await response.json() })).toEqual(failure(400, /^name/));
      const broken = await send(Buffer.from("not gzip"));
      expect(answerOf({ status: broken.status, body: await broken.json() })).toEqual(failure(400));
    });
  });

  describe("size", () => {
    const ofSize = (bytes: number) => `{"pad":"${"x".repeat(bytes - '{"pad":""}'.length)}"}`;

    it("takes 64 KiB and refuses a byte more with 413", async () => {
      expect(ofSize(64 * 1024)).toHaveLength(64 * 1024);
      const response = await call(target(), "post", "/api/keys")
        .set("Content-Type", JSON_TYPE)
        .send(ofSize(64 * 1024));
      expect(answerOf(response)).toMatchObject({ status: 200 });
      await dropKey(target(), endpoints.createKey.success.schema.parse(response.body));
      expect(answerOf(await post(JSON_TYPE, ofSize(64 * 1024 + 1)))).toEqual(failure(413));
    });

    it("answers 413 to megabytes", async () => {
      expect(answerOf(await post(JSON_TYPE, ofSize(3 * 1024 * 1024)))).toEqual(failure(413));
    });

    it("counts what comes out of a compressed body", async () => {
      const response = await fetch(`${target().baseUrl}/api/keys`, {
        method: "POST",
        headers: { Authorization: `Bearer ${target().secret}`, "Content-Type": JSON_TYPE, "Content-Encoding": "gzip" },
        body: gzipSync(ofSize(10 * 1024 * 1024)),
      });
      expect(answerOf({ status: response.status, body: await response.json() })).toEqual(failure(413));
    });
  });

  describe("bodies that need not be there", () => {
    it.each([
      ["no body", null, ""],
      ["an empty body declared as JSON", JSON_TYPE, ""],
      ["an empty body declared as something else", "text/plain", ""],
      ["an empty object", JSON_TYPE, "{}"],
      ["null", JSON_TYPE, "null"],
      ["an empty list", JSON_TYPE, "[]"],
      ["a null name", JSON_TYPE, '{"name":null}'],
      ["unknown fields", JSON_TYPE, '{"color":"red","key_id":7,"__proto__":{"name":"x"},"constructor":1}'],
      ["a byte order mark", JSON_TYPE, "\uFEFF{}"],
    ])("makes a key without a name from %s", async (_name, contentType, body) => {
      const response = await post(contentType, body);
      expect(response).toMatchObject({ status: 200, body: { name: null, is_active: true } });
      await dropKey(target(), endpoints.createKey.success.schema.parse(response.body));
    });

    it.each(["/api/traffic/sync"])("ignores what is sent to %s, as long as it is JSON", async (path) => {
      expect(await postRaw(target(), path, JSON_TYPE, '{"anything":[1,2]}')).toMatchObject({ status: 200 });
      expect(answerOf(await postRaw(target(), path, JSON_TYPE, "{"))).toEqual(failure(400));
      expect(answerOf(await postRaw(target(), path, "text/plain", "x"))).toEqual(failure(415));
    });
  });

  describe("names", () => {
    it.each([
      ["a number", 5],
      ["a boolean", true],
      ["a list", ["x"]],
      ["an object", { first: "x" }],
    ])("answers 400 to %s", async (_name, name) => {
      expect(answerOf(await call(target(), "post", "/api/keys").send({ name }))).toEqual(
        failure(400, "name must be a string or null"),
      );
    });

    it.each(["\u0000", "\n", "\t", "\u001F", "\u007F", "\u0080", "\u009F"])(
      "answers 400 to a name with %j",
      async (control) => {
        const response = await call(target(), "post", "/api/keys").send({ name: `a${control}b` });
        expect(answerOf(response)).toEqual(failure(400, "name must not contain control characters"));
      },
    );

    it("answers 400 to half of a surrogate pair", async () => {
      expect(answerOf(await post(JSON_TYPE, '{"name":"\\ud83d"}'))).toEqual(failure(400, /well-formed/));
    });

    it.each([
      ["256 letters", "x".repeat(256)],
      ["256 emoji", "😀".repeat(256)],
    ])("answers 400 to %s", async (_name, name) => {
      expect(answerOf(await call(target(), "post", "/api/keys").send({ name }))).toEqual(
        failure(400, /at most 255 characters/),
      );
    });

    it.each([
      ["an empty name", ""],
      ["a blank", " "],
      ["255 letters", "x".repeat(255)],
      ["255 emoji", "😀".repeat(255)],
      ["many scripts", 'Иван 测试 ñ – user@host/✓ "quoted" \\ <b>'],
      ["right-to-left text and joiners", "مرحبا 👨‍👩‍👧\u202E\u2028"],
      ["letters that are not normalized", "e\u0301"],
    ])("keeps %s as it is", async (_name, name) => {
      const key = await makeKey(target(), { name });
      const read = await call(target(), "get", `/api/keys/${key.key_id}`).expect(200);
      expect(key.name).toBe(name);
      expect(read.body).toEqual(key);
      await dropKey(target(), key);
    });
  });
}
