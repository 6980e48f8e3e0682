import { messages } from "@veil/http-contract";
import { firstTerms, StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../../test/contract/bot.ts";
import { figuresOf } from "../../test/in-memory/in-memory-plane.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

const CREATED_AT = 1_703_520_000;
const EXPIRES_AT = Math.floor(Date.now() / 1_000) + 100;

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi();
  const terms = firstTerms({ externalId: "tg-1", expiresAt: EXPIRES_AT }, { createdAt: CREATED_AT, nextResetAt: null });
  api.plane.addKey({ createdAt: CREATED_AT, terms: { ...terms, usedFrom: { upload: 10, download: 60 } } });
  api.plane.traffic.set(1, figuresOf({ upload: 30, download: 70 }));
});
afterEach(async () => {
  await api.close();
});

const isAway = () => Promise.reject(new StoreUnavailableError(new Error("no primary")));
const isDamaged = () => Promise.reject(new UnreadableRecordError("traffic: the document 1 makes no sense"));
const jobs = () => api.plane.jobs.submitted.map(({ name }) => name);

describe.each([
  ["the store is away", isAway],
  ["the store hangs", () => new Promise<never>(() => undefined)],
  ["the record of the traffic is damaged", isDamaged],
])("when a change is done and %s", (_name, find) => {
  it.each([
    ["patch", "/api/keys/1", { note: "n" }],
    ["post", "/api/keys/1/extend", { seconds: 60 }],
    ["post", "/api/keys/1/revoke", { link: true }],
    ["put", "/api/keys/by-external-id/tg-1", { note: "n" }],
  ] as const)("%s %s answers the key as it is now, without its traffic", async (method, path, body) => {
    api.plane.trafficReader.find = find;
    const answer = await call(api, method, path).send(body).expect(200);
    const { terms } = api.plane.keys.get(1) ?? {};
    expect(terms?.revision).toBe(2);
    const { expiresAt: expires_at, note } = terms ?? {};
    expect(answer.body).toMatchObject({ key_id: 1, revision: 2, note, expires_at, traffic_lifetime: 0 });
    expect(jobs()).toHaveLength(1);
  });
});

it("answers a reset by what the reset itself says, and has it reported", async () => {
  api.plane.trafficReader.find = isAway;
  const answer = await call(api, "post", "/api/keys/1/traffic/reset").expect(200);
  expect(answer.body).toMatchObject({ previous_upload: 20, previous_download: 10 });
  expect(jobs()).toEqual(["reset-traffic", "change-key"]);
});

describe("a key of whose traffic the record is damaged", () => {
  it.each(["/api/keys/1", "/api/keys/by-external-id/tg-1", "/api/keys/1/online"])("is shown by %s", async (path) => {
    api.plane.trafficReader.find = isDamaged;
    expect((await call(api, "get", path).expect(200)).body).toMatchObject({ key_id: 1, online_at: null });
  });

  it("has no figures that could be asked for", async () => {
    api.plane.trafficReader.find = isDamaged;
    expect(answerOf(await call(api, "get", "/api/keys/1/traffic"))).toEqual(failure(500, messages.recordUnreadable));
  });
});
