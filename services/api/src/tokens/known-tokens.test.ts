import { StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import { InMemoryTokens, storedToken } from "@veil/tokens/testing";
import { beforeEach, expect, it } from "vitest";
import { KnownTokens } from "./known-tokens.ts";

let tokens: InMemoryTokens;
let reads: number;
let now: number;
let known: KnownTokens;
const { text, ...token } = storedToken();

beforeEach(async () => {
  tokens = new InMemoryTokens();
  await tokens.insert(token);
  reads = 0;
  now = 0;
  tokens.beforeStep = async () => {
    reads += 1;
  };
  known = new KnownTokens(tokens, () => now);
});
const away = () => {
  tokens.beforeStep = () => Promise.reject(new StoreUnavailableError(new Error("away")));
};

it("finds a token by its text, and asks the store once for all who come with it within a second", async () => {
  const found = await Promise.all(Array.from({ length: 50 }, () => known.find(text)));
  expect(found.map((one) => one?.id)).toEqual(Array.from({ length: 50 }, () => token.id));
  now = 999;
  await known.find(text);
  expect(reads).toBe(1);
});

it("knows a second later what has become of it", async () => {
  await known.find(text);
  await tokens.replace({ ...token, scopes: [], revision: 2 }, 1);
  now = 1_000;
  expect(await known.find(text)).toMatchObject({ scopes: [] });
  await tokens.remove(token.id);
  now = 2_000;
  expect(await known.find(text)).toBeNull();
});

it("asks nothing for what is no token, and once a second for one that is not there", async () => {
  const { text: other } = storedToken();
  for (const guess of ["", "x".repeat(45), text.slice(0, -1), `${text}x`]) expect(await known.find(guess)).toBeNull();
  expect(reads).toBe(0);
  for (let attempt = 0; attempt < 5; attempt++) expect(await known.find(other)).toBeNull();
  expect(reads).toBe(1);
});

it("does not take another text with a token's id for it", async () => {
  const last = text.endsWith("a") ? "b" : "a";
  expect(await known.find(text.slice(0, -1) + last)).toBeNull();
});

it("goes on taking a token while the store is away, and asks for it again after a second", async () => {
  await known.find(text);
  away();
  now = 1_000;
  expect(await known.find(text)).toMatchObject({ id: token.id });
  tokens.beforeStep = async () => undefined;
  await tokens.remove(token.id);
  now = 2_000;
  expect(await known.find(text)).toBeNull();
});

it("does not go on with the rights that a token had when its record can't be read any more", async () => {
  await known.find(text);
  tokens.beforeStep = () => Promise.reject(new UnreadableRecordError("tokens: the document makes no sense"));
  now = 1_000;
  await expect(known.find(text)).rejects.toBeInstanceOf(UnreadableRecordError);
  away();
  await expect(known.find(text)).rejects.toBeInstanceOf(StoreUnavailableError);
});

it("does not wait long for a store that does not answer", async () => {
  await known.find(text);
  tokens.beforeStep = () => new Promise(() => undefined);
  now = 1_000;
  const before = performance.now();
  expect(await known.find(text)).toMatchObject({ id: token.id });
  expect(performance.now() - before).toBeLessThan(10_000);
});

it("says that it can't tell of a token that it never met while the store is away", async () => {
  away();
  await expect(known.find(text)).rejects.toBeInstanceOf(StoreUnavailableError);
});
