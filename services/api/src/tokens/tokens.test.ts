import { type Endpoint, endpoints, operationIds } from "@veil/http-contract";
import { StoreUnavailableError } from "@veil/keys";
import { type ApiToken, MOST_TOKENS, type Scope, scopes } from "@veil/tokens";
import { storedToken } from "@veil/tokens/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../../test/contract/bot.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";
import type { ApiSecret } from "../http/bearer-auth.ts";

let api: InMemoryApi;
let failures: number;
const asked: (number | null)[] = [];
beforeEach(async () => {
  failures = 0;
  const fail = async () => {
    failures += 1;
    return null;
  };
  const take = async (_caller: string, perSecond: number | null) => {
    asked.push(perSecond);
    return null;
  };
  api = await startInMemoryApi({ authFailures: { fail }, rate: { take }, trustedProxies: 1 });
  api.plane.addKey({ keyId: 1 });
});
afterEach(async () => {
  await api.close();
});

/** A caller with a token that is there already. */
async function holder(attributes: Partial<ApiToken> = {}): Promise<InMemoryApi & { readonly token: ApiToken }> {
  const { text, ...token } = storedToken(attributes);
  await api.plane.tokens.insert(token);
  return { ...api, secret: text, token };
}

const guarded = operationIds.flatMap((id) => {
  const endpoint: Endpoint = endpoints[id];
  return endpoint.auth === "bearer" ? [{ id, ...endpoint }] : [];
});

describe("scopes", () => {
  it.each(guarded)("$id needs its scope, and no other one will do", async ({ method, path, scope }) => {
    for (const held of scopes) {
      const caller = await holder({ scopes: [held] });
      const answer = await call(caller, method, path.replace(/\{\w+\}/g, "1"));
      const isLet = held === scope || held === "*";
      const lacks = failure(403, `This token lacks the scope ${scope}`);
      if (isLet) expect(answerOf(answer)).not.toEqual(lacks);
      else expect(answerOf(answer)).toEqual(lacks);
    }
  });

  it("are asked for before the body is read", async () => {
    const caller = await holder({ scopes: ["keys:read"] });
    const answer = await call(caller, "post", "/api/keys").set("Content-Type", "application/json").send("{broken");
    expect(answer.status).toBe(403);
  });

  it("let a caller without any in nowhere", async () => {
    const caller = await holder({ scopes: [] });
    for (const { method, path } of guarded) {
      expect((await call(caller, method, path.replace(/\{\w+\}/g, "1"))).status).toBe(403);
    }
  });
});

describe("who may come with a token", () => {
  const get = (caller: InMemoryApi) => call(caller, "get", "/api/keys/1");

  it("not after it has expired, which is no guess", async () => {
    const now = Math.floor(Date.now() / 1_000);
    await get(await holder({ expiresAt: now + 60 })).expect(200);
    const answer = await get(await holder({ expiresAt: now }));
    expect(answerOf(answer)).toEqual(failure(401, "This token has expired"));
    expect(failures).toBe(0);
  });

  it("not from other addresses", async () => {
    const caller = await holder({ addresses: ["203.0.113.0/24", "2001:db8::7"] });
    await get(caller).set("X-Forwarded-For", "203.0.113.9").expect(200);
    await get(caller).set("X-Forwarded-For", "2001:db8:0::7").expect(200);
    const answer = await get(caller).set("X-Forwarded-For", "198.51.100.1");
    expect(answerOf(answer)).toEqual(failure(403, "This address is not allowed"));
  });

  it("not with a token that is not there, which is counted as a guess", async () => {
    const { text } = storedToken();
    expect(answerOf(await get({ ...api, secret: text }))).toEqual(failure(401, "Invalid authentication token"));
    expect(failures).toBe(1);
  });

  it("is counted by the token's own rate", async () => {
    asked.length = 0;
    await get(await holder({ rate: 7 }));
    await get(await holder());
    await get(api);
    expect(asked).toEqual([7, null, null]);
  });

  it("is named in the log, and nothing there holds a token", async () => {
    const caller = await holder({ name: "касса" });
    await get(caller).expect(200);
    const made = await call(api, "post", "/api/tokens").send({ name: "x", scopes: ["*"] });
    await expect.poll(() => api.log.lines.filter(({ message }) => message === "request")).toHaveLength(2);
    expect(api.log.lines.filter(({ message }) => message === "request")[0]?.fields).toMatchObject({ caller: "касса" });
    expect(JSON.stringify(made.body)).toContain("veil_");
    const everything = JSON.stringify([api.log.lines, api.plane.jobs.submitted, [...api.records.writes]]);
    expect(everything).not.toContain("veil_");
  });

  it("goes on while the store is away, with a secret of the settings and with a token that was met", async () => {
    const [met, unmet] = [await holder(), await holder()];
    await get(met).expect(200);
    api.plane.tokens.beforeStep = () => Promise.reject(new StoreUnavailableError(new Error("away")));
    await get(met).expect(200);
    await get(api).expect(200);
    expect((await get(unmet)).status).toBe(503);
    expect(failures).toBe(0);
  });
});

describe("making and changing tokens", () => {
  const post = (caller: InMemoryApi, body: object) => call(caller, "post", "/api/tokens").send(body);

  it("says how many there may be, once there are", async () => {
    const most = Array.from({ length: MOST_TOKENS }, () => storedToken());
    for (const { text: _, ...token } of most) await api.plane.tokens.insert(token);
    const answer = await post(api, { name: "one more", scopes: ["*"] });
    expect(answerOf(answer)).toEqual(failure(409, `there are ${MOST_TOKENS} tokens already: delete one first`));
    await call(api, "delete", `/api/tokens/${most[0]?.id}`).expect(200);
    await post(api, { name: "one more", scopes: ["*"] }).expect(200);
  });

  it("answers the token once, and takes it from then on", async () => {
    const made = await post(api, { name: "shop", scopes: ["keys:write", "keys:read", "keys:read"], rate: 5 }).expect(
      200,
    );
    expect(made.body).toEqual({
      id: made.body.token.slice(5, 17),
      token: expect.stringMatching(/^veil_[0-9A-Za-z]{40}$/),
      name: "shop",
      scopes: ["keys:read", "keys:write"],
      owner: null,
      rate: 5,
      expires_at: null,
      addresses: null,
      created_at: expect.any(Number),
    });
    await call({ ...api, secret: made.body.token }, "get", "/api/keys/1").expect(200);
    const { token: _, ...shown } = made.body;
    expect((await call(api, "get", "/api/tokens").expect(200)).body).toEqual({ tokens: [shown], total: 1 });
  });

  it("leaves the token out of a repeat's answer, and is not answered later", async () => {
    const send = () =>
      post(api, { name: "shop", scopes: ["*"] })
        .set("Idempotency-Key", "1")
        .set("Prefer", "respond-async");
    const [first, repeat] = [await send().expect(200), await send().expect(200)];
    const { token, ...shown } = first.body;
    expect(token).toMatch(/^veil_/);
    expect(repeat.body).toEqual(shown);
    expect(repeat.headers["idempotency-replayed"]).toBe("true");
  });

  it("answers one of two that come at once with the token, and both with one id", async () => {
    const send = () => post(api, { name: "shop", scopes: ["*"] }).set("Idempotency-Key", "1");
    const answers = await Promise.all([send(), send(), send()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ body }) => body.token !== undefined)).toHaveLength(1);
  });

  it.each([
    [{ scopes: ["*"] }, /^name must be/],
    [{ name: "", scopes: ["*"] }, /^name must be/],
    [{ name: "a\nb", scopes: ["*"] }, /^name must not/],
    [{ name: "a" }, /^scopes must be/],
    [{ name: "a", scopes: [] }, /^scopes must be/],
    [{ name: "a", scopes: ["keys"] }, /^scopes must be/],
    [{ name: "a", scopes: "*" }, /^scopes must be/],
    [{ name: "a", scopes: ["*"], owner: "x".repeat(65) }, /^owner must be/],
    [{ name: "a", scopes: ["*"], rate: 0 }, /^rate must be/],
    [{ name: "a", scopes: ["*"], rate: 1.5 }, /^rate must be/],
    [{ name: "a", scopes: ["*"], expires_at: 1_767_225_600_000 }, /^expires_at must be unix seconds, not milliseconds/],
    [{ name: "a", scopes: ["*"], addresses: [] }, /^addresses must be/],
    [{ name: "a", scopes: ["*"], addresses: ["10.0.0.0/33"] }, /^addresses must be/],
    [{ name: "a", scopes: ["*"], addresses: ["localhost"] }, /^addresses must be/],
  ])("refuses %j", async (body, detail) => {
    expect(answerOf(await post(api, body))).toEqual(failure(400, detail));
    expect(api.plane.jobs.submitted).toEqual([]);
  });

  it("refuses a name that is taken", async () => {
    const { token } = await holder({ name: "shop" });
    const other = await holder({ name: "other" });
    const taken = failure(409, "the name shop is taken");
    expect(answerOf(await post(api, { name: "shop", scopes: ["*"] }))).toEqual(taken);
    const path = `/api/tokens/${other.token.id}`;
    expect(answerOf(await call(api, "patch", path).send({ name: token.name }))).toEqual(taken);
  });

  it.each(["system", "unknown", "secret-1", "secret-27", "System", " system "])(
    "refuses the name %j, by which events name others",
    async (name) => {
      const reserved = failure(400, /^name must not be system, unknown or secret-1/);
      expect(answerOf(await post(api, { name, scopes: ["*"] }))).toEqual(reserved);
      const { token } = await holder();
      expect(answerOf(await call(api, "patch", `/api/tokens/${token.id}`).send({ name }))).toEqual(reserved);
      expect(api.plane.jobs.submitted).toEqual([]);
    },
  );

  it("refuses the name of a secret of the settings, by which events name who comes with that", async () => {
    await api.close();
    const secret: ApiSecret = { name: "panel", tokens: ["secret-of-the-panel-of-32-characters"], readOnly: false };
    api = await startInMemoryApi({ secrets: () => [secret] });
    const taken = failure(409, "the name panel is taken");
    expect(answerOf(await post(api, { name: "panel", scopes: ["*"] }))).toEqual(taken);
    const { token } = await holder({ name: "other" });
    expect(answerOf(await call(api, "patch", `/api/tokens/${token.id}`).send({ name: "panel" }))).toEqual(taken);
    await call(api, "patch", `/api/tokens/${token.id}`).send({ rate: 1 }).expect(200);
    await post(api, { name: "panel-2", scopes: ["*"] }).expect(200);
  });

  it("changes what is named, and takes 0 and null as never", async () => {
    const { token } = await holder({ rate: 5, expiresAt: 2_000_000_000, addresses: ["10.0.0.0/8"] });
    const answer = await call(api, "patch", `/api/tokens/${token.id}`).send({ expires_at: 0, addresses: null });
    expect(answer.body).toMatchObject({ id: token.id, name: token.name, rate: 5, expires_at: null, addresses: null });
  });

  it("deletes a token once", async () => {
    const { token, ...caller } = await holder();
    const path = `/api/tokens/${token.id}`;
    const answer = await call(api, "delete", path).expect(200);
    expect(answer.body).toEqual({ success: true, message: `Token ${token.id} deleted successfully` });
    expect((await call(api, "delete", path)).status).toBe(404);
    expect((await call(api, "patch", path).send({})).status).toBe(404);
    expect((await call(caller, "get", "/api/keys/1")).status).toBe(401);
  });

  const rights: readonly Scope[] = ["keys:read", "tokens:read", "tokens:write"];

  it("gives no more than the caller has, neither to a new token nor to one that is there", async () => {
    const caller = await holder({ scopes: rights, addresses: ["127.0.0.0/8"] });
    const beyond = (what: string) => failure(403, `A token gives only what it has itself, and this one lacks ${what}`);
    const wanted = { name: "new", scopes: ["keys:read"] };
    expect((await post(caller, wanted)).body).toMatchObject({ addresses: ["127.0.0.0/8"], owner: null });
    const path = `/api/tokens/${(await holder({ scopes: ["keys:read"], addresses: ["127.0.0.1"] })).token.id}`;
    const strong = `/api/tokens/${(await holder()).token.id}`;
    expect(answerOf(await post(caller, { ...wanted, scopes: ["*"] }))).toEqual(beyond("the scope *"));
    expect(answerOf(await post(caller, { ...wanted, addresses: null }))).toEqual(beyond("other addresses"));
    const changed = await call(caller, "patch", path).send({ scopes: ["keys:write"] });
    expect(answerOf(changed)).toEqual(beyond("the scope keys:write"));
    expect(answerOf(await call(caller, "patch", strong).send({ rate: 1 }))).toEqual(beyond("the scope *"));
    expect(answerOf(await call(caller, "delete", strong))).toEqual(beyond("the scope *"));
    await call(caller, "delete", path).expect(200);
  });

  it("shows a token with an owner those of its owner alone, and gives it to what it makes", async () => {
    const caller = await holder({ owner: "shop" });
    const other = await holder({ owner: "other" });
    expect((await call(caller, "get", "/api/tokens")).body).toMatchObject({
      total: 1,
      tokens: [{ id: caller.token.id }],
    });
    expect((await call(caller, "delete", `/api/tokens/${other.token.id}`)).status).toBe(404);
    expect((await post(caller, { name: "new", scopes: ["*"] })).body).toMatchObject({ owner: "shop" });
    expect((await post(caller, { name: "newer", scopes: ["*"], owner: null })).status).toBe(403);
  });
});
