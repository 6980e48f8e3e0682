import { firstTerms, type SettableTerms } from "@veil/keys";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../test/contract/bot.ts";
import { figuresOf } from "../test/in-memory/in-memory-plane.ts";
import { type InMemoryApi, startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";

const CREATED_AT = 1_703_520_000;
const now = () => Math.floor(Date.now() / 1_000);

let api: InMemoryApi;

beforeEach(async () => {
  api = await startInMemoryApi();
});
afterEach(async () => {
  await api.close();
});

function addKey(name: string, terms: Partial<SettableTerms> = {}, lastCountedAt: number | null = null): void {
  const calendar = { createdAt: CREATED_AT, nextResetAt: null };
  const { keyId } = api.plane.addKey({ name, createdAt: CREATED_AT, terms: firstTerms(terms, calendar) });
  api.plane.traffic.set(keyId, { ...figuresOf({ upload: 3, download: 4 }), lastCountedAt });
}

const namesOf = async (query: string) => {
  const { body } = await call(api, "get", `/api/keys?${query}`).expect(200);
  return { names: body.keys.map(({ name }: { name: string }) => name), total: body.total };
};

describe("GET /api/keys with filters", () => {
  beforeEach(() => {
    addKey("plain", {}, now() - 5);
    addKey("paid", { tag: "paid", expiresAt: now() + 1_000, groups: ["eu"], externalId: "tg-1" }, now() - 600);
    addKey("over", { tag: "paid", expiresAt: now() - 1_000 });
    addKey("off", { tag: "a&b", enabled: false }, now() - 5);
  });

  it.each([
    ["status=active", ["plain", "paid"]],
    ["status=expired", ["over"]],
    ["status=disabled", ["off"]],
    ["tag=paid", ["paid", "over"]],
    ["tag=paid&status=active", ["paid"]],
    ["tag=a%26b", ["off"]],
    ["tag=nobody", []],
    ["group=eu", ["paid"]],
    ["group=default", ["plain", "over", "off"]],
    ["name=plain", ["plain"]],
    ["external_id=tg-1", ["paid"]],
    ["external_id=tg-2", []],
    ["external_id=tg-1&online=true", []],
    ["external_id=tg-1&online=false", ["paid"]],
    ["online=true", ["plain", "off"]],
    ["online=false", ["paid", "over"]],
    ["expires_before=1", []],
    ["expires_after=1", ["paid", "over"]],
  ])("%s", async (query, names) => {
    expect(await namesOf(query)).toEqual({ names, total: names.length });
  });

  it("counts what fits, whatever the page", async () => {
    expect(await namesOf("tag=paid&limit=1")).toEqual({ names: ["paid"], total: 2 });
    expect(await namesOf("tag=paid&limit=1&after=2")).toEqual({ names: ["over"], total: 2 });
    expect(await namesOf("online=false&limit=1")).toEqual({ names: ["paid"], total: 2 });
  });

  it.each([
    ["status=gone", /^status must be one of/],
    ["status=active&status=expired", /^status must be one of/],
    ["tag=a&tag=b", /^tag must be given once/],
    [`tag=${"t".repeat(65)}`, /^tag must be at most 64 characters long/],
    [`group=${"g".repeat(65)}`, /^group must be at most 64/],
    [`external_id=${"e".repeat(129)}`, /^external_id must be at most 128/],
    [`name=${"n".repeat(256)}`, /^name must be at most 255/],
    ["online=perhaps", /^online must be true or false/],
    ["expires_before=soon", /^expires_before must be a whole number of unix seconds/],
    ["expires_after=1767225600000", /not milliseconds/],
    ["owner=1", /^unknown query parameter "owner"/],
  ])("refuses %s", async (query, detail) => {
    const answer = await call(api, "get", `/api/keys?${query}`);
    expect(answerOf(answer)).toEqual(failure(400, detail));
  });

  it("takes texts as long as those of keys", async () => {
    const query = `tag=${"щ".repeat(64)}&group=${"щ".repeat(64)}&external_id=${"щ".repeat(128)}&name=${"щ".repeat(255)}`;
    expect(await namesOf(encodeURI(query))).toEqual({ names: [], total: 0 });
  });

  it("counts once for many who ask at once, and anew after a change of its own", async () => {
    let counted = 0;
    const { countActive } = api.plane.keyReader;
    Object.assign(api.plane.keyReader, {
      countActive: async () => {
        counted += 1;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return countActive();
      },
    });
    await Promise.all(Array.from({ length: 20 }, () => namesOf("limit=1")));
    await namesOf("limit=1");
    expect(counted).toBe(1);
    await call(api, "post", "/api/keys").send({}).expect(200);
    expect(await namesOf("limit=1")).toMatchObject({ total: 5 });
    expect(counted).toBe(2);
  });
});

describe("usage and figures", () => {
  beforeEach(() => {
    addKey("plain", {}, now() - 5);
    addKey("off", { enabled: false, groups: ["eu", "us"] });
  });

  it("answers days by default, the last 30 of them", async () => {
    const { body } = await call(api, "get", "/api/keys/1/usage").expect(200);
    expect(body).toMatchObject({ key_id: 1, step: "day" });
    expect(body.usage).toHaveLength(31);
    expect(body.usage.at(-1)).toEqual({ at: now() - (now() % 86_400), upload: 3, download: 4 });
  });

  it("answers the hours of a range, none before the key was made and none after now", async () => {
    const hours = async (from: number, to: number) =>
      (await call(api, "get", `/api/keys/1/usage?step=hour&from=${from}&to=${to}`).expect(200)).body.usage.length;
    const hour = now() - (now() % 3_600);
    expect(await hours(hour - 7_200, hour)).toBe(2);
    expect(await hours(hour, hour + 36_000)).toBe(1);
    expect(await hours(0, CREATED_AT)).toBe(0);
    expect(await hours(hour, hour - 7_200)).toBe(0);
  });

  it.each([
    ["/api/keys/1/usage?step=week", 400, /^step must be one of hour, day/],
    ["/api/keys/1/usage?from=yesterday", 400, /^from must be a whole number/],
    ["/api/keys/1/usage?days=3", 400, /^unknown query parameter/],
    ["/api/keys/9/usage", 404, /not found/],
  ])("refuses %s", async (path, status, detail) => {
    expect(answerOf(await call(api, "get", path))).toEqual(failure(status, detail));
  });

  it("gives the figures of the whole system", async () => {
    const { body } = await call(api, "get", "/api/stats").expect(200);
    expect(body).toMatchObject({
      keys: { total: 2, active: 1, on_hold: 0, limited: 0, expired: 0, disabled: 1 },
      online: 1,
      groups: [
        { name: "default", keys: 1 },
        { name: "eu", keys: 1 },
        { name: "us", keys: 1 },
      ],
    });
    expect(body.traffic).toHaveLength(30);
  });

  it("makes the figures once for many who ask, and answers 503 while the store is away", async () => {
    let reads = 0;
    api.plane.beforeRead = async () => {
      reads += 1;
    };
    await Promise.all(Array.from({ length: 20 }, () => call(api, "get", "/api/stats").expect(200)));
    await call(api, "get", "/api/stats").expect(200);
    expect(reads).toBe(3);
  });
});
