import { messages } from "@veil/http-contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answerOf, call, failure } from "../test/contract/bot.ts";
import { type InMemoryApi, startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";

let api: InMemoryApi;
beforeAll(async () => {
  api = await startInMemoryApi();
});
afterAll(() => api.close());

const BY_EXTERNAL_ID = "/api/keys/by-external-id/tg-1";

test.each([
  ["patch", "/api/keys/1", { note: "a" }],
  ["put", BY_EXTERNAL_ID, { note: "b" }],
  ["post", "/api/keys/1/extend", { days: 1 }],
  ["post", "/api/keys/1/revoke", { link: true }],
] as const)(
  "a change of what has changed since the caller has seen it is refused: %s %s",
  async (method, path, body) => {
    const made = await call(api, "put", BY_EXTERNAL_ID).send({ expires_at: 4_000_000_000 }).expect(200);
    const changed = await call(api, method, path)
      .set("If-Match", made.headers["etag"] ?? "")
      .send(body)
      .expect(200);
    expect(changed.body.revision).toBe(made.body.revision + 1);
    const stale = call(api, method, path).set("If-Match", made.headers["etag"] ?? "");
    expect(answerOf(await stale.send(body))).toEqual(failure(412, messages.revisionChanged));
    await call(api, method, path).set("If-Match", "*").send(body).expect(200);
    expect(api.plane.keys.size).toBe(1);
  },
);

test("no key is made where one was to be changed", async () => {
  for (const tag of ['"1-0"', "*"]) {
    const put = call(api, "put", "/api/keys/by-external-id/tg-2").set("If-Match", tag);
    expect(answerOf(await put.send({}))).toEqual(failure(412, messages.revisionChanged));
  }
});

test.each([
  ["delete", BY_EXTERNAL_ID],
  ["delete", "/api/keys/1"],
  ["post", "/api/keys"],
  ["post", "/api/keys/1/traffic/reset"],
  ["delete", "/api/keys/1/devices"],
] as const)("a write that does not look at it does not pass it over: %s %s", async (method, path) => {
  const answer = await call(api, method, path).set("If-Match", '"1-0"').send({});
  expect(answerOf(answer)).toEqual(failure(400, messages.ifMatchNotTaken));
  expect(api.plane.keys.size).toBe(1);
});
