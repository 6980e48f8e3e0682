import { noHints } from "@veil/events/testing";
import { REPEATED_WITHIN_MS } from "@veil/idempotency";
import { beforeEach, describe, expect, it } from "vitest";
import { InMemoryTokens, storedToken, tokenStoreConformance } from "../test/index.ts";
import { MOST_TOKENS, MOST_TOKENS_OF_OWNER, type TokenRights } from "./api-token.ts";
import { changeToken, createToken, deleteToken } from "./change-tokens.ts";

describe("tokens in memory", () => {
  const tokens = new InMemoryTokens();
  tokenStoreConformance(() => tokens);
});

const giver: TokenRights = { scopes: ["*"], owner: null, addresses: null };

describe("jobs on tokens", () => {
  let tokens: InMemoryTokens;
  let now: number;
  beforeEach(() => {
    tokens = new InMemoryTokens();
    now = 1_000;
  });
  const ports = () => ({ tokens, now: () => now, hints: noHints });
  const { text: _, ...token } = storedToken();
  const create = (job = "create-1") => createToken({ job, deadline: 2_000, token }, ports());

  it("makes a token once, however often its job is delivered", async () => {
    const first = await create();
    now = 3_000;
    expect(await create()).toEqual(first);
    expect(first).toMatchObject({ outcome: "created", token: { revision: 1, jobs: ["create-1"] } });
    expect(await tokens.list()).toHaveLength(1);
  });

  describe("in a further attempt of a write, which brings another id and hash", () => {
    const attempt = (verb: string, number: number) =>
      `${verb}-token-once-0123456789abcdef0123456789abcdef01234567-${number}`;
    const { text: __, ...again } = storedToken({ name: token.name });
    const createAgain = () => createToken({ job: attempt("create", 2), deadline: 2_000, token: again }, ports());

    it("finds the token that the attempt before made after all", async () => {
      const first = await create(attempt("create", 1));
      now = 3_000;
      expect(await createAgain()).toEqual(first);
      expect(await tokens.list()).toHaveLength(1);
    });

    it("finds it also where it comes to be between the look and the write", async () => {
      const insert = tokens.insert.bind(tokens);
      tokens.insert = async (one) => {
        tokens.insert = insert;
        await create(attempt("create", 1));
        return insert(one);
      };
      expect(await createAgain()).toMatchObject({ outcome: "created", token: { id: token.id } });
    });

    it("does not undo what came after the change that the attempt before made", async () => {
      await create();
      const change = (job: string, rate: number) =>
        changeToken({ job, deadline: 2_000, id: token.id, giver, change: { rate } }, ports());
      await change(attempt("update", 1), 1);
      await change("change-2", 2);
      expect(await change(attempt("update", 2), 1)).toMatchObject({ outcome: "changed", token: { rate: 2 } });
    });
  });

  it("makes and changes a token anew by an Idempotency-Key that did so more than a day before", async () => {
    const job = (verb: string) => `${verb}-token-once-0123456789abcdef0123456789abcdef01234567-1`;
    const { text: __, ...other } = storedToken();
    const make = (wanted: typeof token) => createToken({ job: job("create"), deadline: now, token: wanted }, ports());
    const change = (rate: number) =>
      changeToken({ job: job("change"), deadline: now, id: token.id, giver, change: { rate } }, ports());
    await make(token);
    await change(1);
    now += 2 * REPEATED_WITHIN_MS;
    expect(await change(2)).toMatchObject({ outcome: "changed", token: { rate: 2 } });
    expect(await make({ ...other, name: token.name })).toMatchObject({ outcome: "taken" });
    expect(await make(other)).toMatchObject({ outcome: "created", token: { id: other.id } });
  });

  it("changes a token once: a job that is delivered again does not undo what came after it", async () => {
    await create();
    const change = (job: string, rate: number) =>
      changeToken({ job, deadline: 2_000, id: token.id, giver, change: { rate } }, ports());
    await change("change-1", 1);
    await change("change-2", 2);
    expect(await change("change-1", 1)).toMatchObject({ outcome: "changed", token: { rate: 2, revision: 3 } });
  });

  it("loses none of the changes that happen at once", async () => {
    await create();
    const ask = (job: string, change: object) =>
      changeToken({ job, deadline: 2_000, id: token.id, giver, change }, ports());
    await Promise.all([
      ask("change-1", { rate: 1 }),
      ask("change-2", { owner: "shop" }),
      ask("change-3", { scopes: [] }),
    ]);
    expect(await tokens.find(token.id)).toMatchObject({ rate: 1, owner: "shop", scopes: [], revision: 4 });
  });

  it("says that a name is taken, to a new token and to a change", async () => {
    await create();
    const { text: __, ...other } = storedToken({ name: token.name });
    const taken = { outcome: "taken", detail: `the name ${token.name} is taken` };
    expect(await createToken({ job: "create-2", deadline: 2_000, token: other }, ports())).toEqual(taken);
    await createToken({ job: "create-3", deadline: 2_000, token: { ...other, name: "other" } }, ports());
    const change = { job: "change-1", deadline: 2_000, id: other.id, giver, change: { name: token.name } };
    expect(await changeToken(change, ports())).toEqual(taken);
  });

  it.each([
    ["those of all owners", MOST_TOKENS, (index: number) => `owner-${index % 20}`, "another", "owner-1"],
    ["those of one owner", MOST_TOKENS_OF_OWNER, () => "shop", "shop", "another"],
  ])("makes no more tokens than there may be: %s", async (_name, most, ownerOf, refused, other) => {
    const made = Array.from({ length: most }, (_one, index) => storedToken({ owner: ownerOf(index) }));
    for (const { text: __, ...one } of made) await tokens.insert(one);
    const make = (owner: string) =>
      createToken({ job: `create-${owner}`, deadline: 2_000, token: { ...token, owner } }, ports());
    const detail = `there are ${most} tokens already: delete one first`;
    expect(await make(refused)).toEqual({ outcome: "taken", detail });
    if (most === MOST_TOKENS) await tokens.remove(made[0]?.id ?? "");
    expect(await make(other)).toMatchObject({ outcome: "created" });
    expect(await make(other)).toMatchObject({ outcome: "created" });
  });

  it("deletes a token, and finds it deleted when the job is delivered again", async () => {
    await create();
    const ask = { deadline: 2_000, id: token.id, giver };
    expect(await deleteToken({ ...ask, redelivered: false }, ports())).toEqual({ outcome: "deleted" });
    expect(await deleteToken({ ...ask, redelivered: false }, ports())).toEqual({ outcome: "not-found" });
    now = 3_000;
    expect(await deleteToken({ ...ask, redelivered: true }, ports())).toEqual({ outcome: "deleted" });
  });

  it.each<[string, Partial<TokenRights>, string]>([
    ["a scope", { scopes: ["tokens:write"] }, "refused"],
    ["an address", { addresses: ["10.0.0.0/8"] }, "refused"],
    ["the owner", { owner: "shop" }, "not-found"],
  ])("neither changes nor deletes a token that has %s which the giver lacks", async (_name, rights, outcome) => {
    await create();
    const ask = { deadline: 2_000, id: token.id, giver: { ...giver, ...rights }, redelivered: false };
    expect(await changeToken({ ...ask, job: "change-1", change: { rate: 1 } }, ports())).toMatchObject({ outcome });
    const narrower = { scopes: ["tokens:write"], addresses: ["10.0.0.7"], rate: 1 } as const;
    expect(await changeToken({ ...ask, job: "change-2", change: narrower }, ports())).toMatchObject({ outcome });
    expect(await deleteToken(ask, ports())).toMatchObject({ outcome });
    expect(await tokens.find(token.id)).toMatchObject({ rate: null });
  });

  it("gives a token nothing that the giver lacks", async () => {
    const { text: __, ...weak } = storedToken({ scopes: ["keys:read"] });
    await createToken({ job: "create-2", deadline: 2_000, token: weak }, ports());
    const ask = { deadline: 2_000, id: weak.id, giver: { ...giver, scopes: ["keys:read", "tokens:write"] as const } };
    const change = { scopes: ["keys:read", "keys:write"] as const };
    const beyond = "the scope keys:write";
    expect(await changeToken({ ...ask, job: "change-1", change }, ports())).toEqual({ outcome: "refused", beyond });
    expect(await changeToken({ ...ask, job: "change-2", change: { name: "x" } }, ports())).toMatchObject({
      outcome: "changed",
    });
  });

  it("begins nothing after the deadline", async () => {
    now = 2_001;
    const late = { outcome: "too-late" };
    expect(await create()).toEqual(late);
    now = 1_000;
    await create();
    now = 2_001;
    const ask = { deadline: 2_000, id: token.id, giver };
    expect(await changeToken({ ...ask, job: "change-1", change: { rate: 1 } }, ports())).toEqual(late);
    expect(await deleteToken({ ...ask, redelivered: false }, ports())).toEqual(late);
    expect(await tokens.find(token.id)).toMatchObject({ rate: null });
  });
});
