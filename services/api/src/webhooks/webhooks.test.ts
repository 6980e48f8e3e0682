import { StoreUnavailableError } from "@veil/keys";
import { storedToken } from "@veil/tokens/testing";
import { firstState, MOST_WEBHOOKS, MOST_WEBHOOKS_IN_ALL, MOST_WEBHOOKS_OF_OWNER } from "@veil/webhooks";
import { storedWebhook } from "@veil/webhooks/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../../test/contract/bot.ts";
import { never } from "../../test/in-memory/in-memory-jobs.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi();
});
afterEach(async () => {
  await api.close();
});

const wanted = { url: "https://bot.example.com/veil?a=1", types: ["key.*", "node.down", "key.*"] };
const post = (body: object, caller: InMemoryApi = api) => call(caller, "post", "/api/webhooks").send(body);

describe("making webhooks", () => {
  it("answers the secret once, and keeps it nowhere but sealed", async () => {
    const made = await post(wanted).expect(200);
    const { secret, ...shown } = made.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(shown).toEqual({
      id: expect.stringMatching(/^wh_[0-9a-f]{20}$/),
      url: wanted.url,
      types: ["key.*", "node.down"],
      enabled: true,
      disabled_reason: null,
      created_at: expect.any(Number),
      last_delivered_at: null,
      failing_since: null,
      last_error: null,
    });
    expect((await call(api, "get", "/api/webhooks").expect(200)).body).toEqual({ webhooks: [shown], total: 1 });
    expect((await call(api, "get", `/api/webhooks/${shown.id}`).expect(200)).body).toEqual(shown);
    const everything = JSON.stringify([
      api.log.lines,
      api.plane.jobs.submitted,
      [...api.records.writes],
      await api.plane.webhooks.list(),
    ]);
    expect(everything).toContain("v1.");
    expect(everything).not.toContain(secret.slice(6, 30));
  });

  it("leaves the secret out of a repeat's answer, and is not answered later", async () => {
    const send = () => post(wanted).set("Idempotency-Key", "1").set("Prefer", "respond-async");
    const [first, repeat] = [await send().expect(200), await send().expect(200)];
    const { secret, ...shown } = first.body;
    expect(secret).toMatch(/^whsec_/);
    expect(repeat.body).toEqual(shown);
    expect((await call(api, "get", "/api/webhooks")).body.total).toBe(1);
  });

  it.each(["by the word of a worker", "without one"])(
    "makes none by an Idempotency-Key that has made one more than a day before, %s",
    async (how) => {
      const send = () => post(wanted).set("Idempotency-Key", "1");
      const { id } = (await send().expect(200)).body;
      const jobs = api.plane.jobs.submitted.map(({ jobId }) => jobId);
      await api.close();
      // Nothing else is left of the first request.
      api = await startInMemoryApi();
      const { plane } = api;
      const createdAt = Math.floor(Date.now() / 1_000) - 2 * 86_400;
      await plane.webhooks.insert(storedWebhook({ id, jobs, createdAt }));
      if (how === "without one") plane.jobs.scripts["create-webhook"] = () => never();
      const detail = `webhook ${id} was made by such a request before: to make another one, use a new Idempotency-Key`;
      const expected = how === "without one" ? failure(500, /timed out/) : failure(409, detail);
      expect(answerOf(await send())).toEqual(expected);
    },
  );

  it("answers one of three that come at once with the secret, and all with one id", async () => {
    const answers = await Promise.all([1, 2, 3].map(() => post(wanted).set("Idempotency-Key", "1")));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ body }) => body.secret !== undefined)).toHaveLength(1);
  });

  it.each([
    [{ types: ["*"] }, /^url must be like/],
    [{ url: 7, types: ["*"] }, /^url must be like/],
    [{ url: "ftp://bot.example.com", types: ["*"] }, /^url must be like/],
    [{ url: "https://a:b@bot.example.com", types: ["*"] }, /^url must hold no user name/],
    [{ url: `https://bot.example.com/${"a".repeat(2_048)}`, types: ["*"] }, /^url must have at most 2048 characters/],
    [{ url: "http://127.0.0.1/", types: ["*"] }, /^url must name a public address/],
    [{ url: "http://[::1]/", types: ["*"] }, /^url must name a public address/],
    [{ url: "http://localhost:8000/", types: ["*"] }, /^url must name a public address/],
    [{ url: wanted.url }, /^types must be/],
    [{ url: wanted.url, types: [] }, /^types must be/],
    [{ url: wanted.url, types: "*" }, /^types must be/],
    [{ url: wanted.url, types: ["key"] }, /^types must be/],
    [{ url: wanted.url, types: ["*.created"] }, /^types must be/],
    [{ url: wanted.url, types: Array.from({ length: 65 }, () => "*") }, /^types must be/],
  ])("refuses %j", async (body, detail) => {
    expect(answerOf(await post(body))).toEqual(failure(400, detail));
    expect(api.plane.jobs.submitted).toEqual([]);
  });

  it("refuses more than there may be", async () => {
    for (let index = 0; index < MOST_WEBHOOKS; index += 1) await api.plane.webhooks.insert(storedWebhook());
    expect(answerOf(await post(wanted))).toEqual(failure(409, "there are 100 webhooks already: delete one first"));
  });

  it("refuses an owner more than it may have, and takes no place from others", async () => {
    const { text: secret, ...token } = storedToken({ owner: "shop", scopes: ["webhooks:write"] });
    await api.plane.tokens.insert(token);
    const ofShop = () => call({ ...api, secret }, "post", "/api/webhooks").send(wanted);
    for (let index = 0; index < MOST_WEBHOOKS; index += 1) await api.plane.webhooks.insert(storedWebhook());
    for (let index = 0; index < MOST_WEBHOOKS_OF_OWNER; index += 1) {
      expect((await ofShop()).status).toBe(200);
    }
    expect(answerOf(await ofShop())).toEqual(failure(409, "there are 10 webhooks already: delete one first"));
  });

  it("refuses more than all owners may have together", async () => {
    for (let index = 0; index < MOST_WEBHOOKS_IN_ALL; index += 1) {
      await api.plane.webhooks.insert(storedWebhook({ owner: `owner-${index}` }));
    }
    expect(answerOf(await post(wanted))).toEqual(failure(409, "there are 1000 webhooks already: delete one first"));
  });

  it("says so when the settings lack what secrets are sealed with", async () => {
    await api.close();
    api = await startInMemoryApi({ webhookRules: { sealingKey: null, isPrivateAllowed: false } });
    expect(answerOf(await post(wanted))).toEqual(failure(500, "WEBHOOK_SECRET_KEY not configured"));
  });

  it("takes private addresses where they are allowed", async () => {
    await api.close();
    api = await startInMemoryApi({ webhookRules: { sealingKey: new Uint8Array(32), isPrivateAllowed: true } });
    await post({ url: "http://127.0.0.1:9/", types: ["*"] }).expect(200);
  });
});

describe("a webhook that is there", () => {
  const made = async () => (await post(wanted).expect(200)).body.id;

  it("shows what came of its deliveries", async () => {
    const id = await made();
    const state = { failingSince: 1_500, lastDeliveredAt: 1_000, lastError: "The receiver answered 500", revision: 1 };
    await api.plane.webhooks.keepDelivery({ ...firstState({ id, fromSeq: 0, revision: 1 }), ...state });
    const shown = { last_delivered_at: 1, failing_since: 1, last_error: "The receiver answered 500" };
    expect((await call(api, "get", `/api/webhooks/${id}`)).body).toMatchObject(shown);
    expect((await call(api, "patch", `/api/webhooks/${id}`).send({})).body).toMatchObject(shown);
  });

  it("is changed in what is named, and switched on again", async () => {
    const id = await made();
    const patch = (body: object) => call(api, "patch", `/api/webhooks/${id}`).send(body);
    expect((await patch({ types: ["*"] })).body).toMatchObject({ id, url: wanted.url, types: ["*"], enabled: true });
    expect((await patch({ enabled: false })).body).toMatchObject({ enabled: false, types: ["*"] });
    const [off] = await api.plane.webhooks.list();
    if (off === undefined) return expect.fail("there is none");
    await api.plane.webhooks.replace({ ...off, disabledReason: "dead", revision: off.revision + 1 }, off.revision);
    expect((await patch({ enabled: true })).body).toMatchObject({ enabled: true, disabled_reason: null });
    expect(answerOf(await patch({ url: "http://10.0.0.1/" }))).toEqual(failure(400, /public address/));
    expect(answerOf(await patch({ enabled: "yes" }))).toEqual(failure(400, "enabled must be true or false"));
  });

  it("is tested once, and says what came of it", async () => {
    const answer = await call(api, "post", `/api/webhooks/${await made()}/test`).expect(200);
    expect(answer.body).toEqual({ success: false, message: "The receiver answered 500" });
  });

  it("is deleted once", async () => {
    const id = await made();
    const answer = await call(api, "delete", `/api/webhooks/${id}`).expect(200);
    expect(answer.body).toEqual({ success: true, message: `Webhook ${id} deleted successfully` });
    const notFound = failure(404, `Webhook with id ${id} not found`);
    for (const [method, path] of [
      ["delete", `/api/webhooks/${id}`],
      ["get", `/api/webhooks/${id}`],
      ["patch", `/api/webhooks/${id}`],
      ["post", `/api/webhooks/${id}/test`],
    ] as const) {
      expect(answerOf(await call(api, method, path).send({}))).toEqual(notFound);
    }
  });

  it("is seen by tokens of its owner and those without one alone", async () => {
    const { text, ...token } = storedToken({ owner: "shop" });
    await api.plane.tokens.insert(token);
    const shop = { ...api, secret: text };
    const [ours, others] = [storedWebhook({ owner: "shop" }), storedWebhook({ owner: "other" })];
    await api.plane.webhooks.insert(ours);
    await api.plane.webhooks.insert(others);
    expect((await call(shop, "get", "/api/webhooks")).body).toMatchObject({ total: 1, webhooks: [{ id: ours.id }] });
    expect((await call(shop, "get", `/api/webhooks/${others.id}`)).status).toBe(404);
    expect((await call(shop, "patch", `/api/webhooks/${others.id}`).send({ enabled: false })).status).toBe(404);
    expect((await call(shop, "delete", `/api/webhooks/${others.id}`)).status).toBe(404);
    expect((await call(api, "get", "/api/webhooks")).body.total).toBe(2);
    expect((await post(wanted, shop)).status).toBe(200);
    expect((await api.plane.webhooks.list()).filter(({ owner }) => owner === "shop")).toHaveLength(2);
  });

  it("is 503 while the store is away", async () => {
    const id = await made();
    api.plane.webhooks.beforeStep = () => Promise.reject(new StoreUnavailableError(new Error("away")));
    expect((await call(api, "get", `/api/webhooks/${id}`)).status).toBe(503);
    expect((await call(api, "get", "/api/webhooks")).status).toBe(503);
  });
});
