import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { keyIdOfToken, olderSubscriptionToken, subscriptionToken, TOKEN_SEED_BYTES } from "./subscription-token.ts";

const keyIds = fc.oneof(
  fc.integer({ min: 1, max: 1_000_000 }),
  fc.constantFrom(1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat().filter((id) => id > 0),
);
const seeds = fc.uint8Array({ minLength: TOKEN_SEED_BYTES, maxLength: TOKEN_SEED_BYTES });

test("a token is 33 characters of base62 and leads to its key", () => {
  fc.assert(
    fc.property(keyIds, seeds, (keyId, seed) => {
      const token = subscriptionToken(keyId, seed);
      expect(token).toMatch(/^[0-9A-Za-z]{33}$/);
      expect(keyIdOfToken(token)).toBe(keyId);
    }),
    { numRuns: 1_000 },
  );
});

test("the ids of two keys that were made one after the other have nothing in common, nor have two tokens of one key", () => {
  const tail = (keyId: number) => subscriptionToken(keyId, randomBytes(TOKEN_SEED_BYTES)).slice(24);
  const tails = Array.from({ length: 200 }, (_, index) => tail(1 + (index % 2)));
  expect(new Set(tails).size).toBe(200);
  expect(new Set(tails.map((each) => each.slice(0, 3))).size).toBeGreaterThan(100);
});

test("what comes with a token that is one character off leads to no key, or to another one", () => {
  const token = subscriptionToken(7, randomBytes(TOKEN_SEED_BYTES));
  for (let place = 0; place < token.length; place += 1) {
    const other = token[place] === "a" ? "b" : "a";
    expect(keyIdOfToken(token.slice(0, place) + other + token.slice(place + 1))).not.toBe(7);
  }
});

test("garbage is nobody's token", () => {
  fc.assert(fc.property(fc.string(), (text) => keyIdOfToken(text) === null || /^[0-9A-Za-z]{33}$/.test(text)));
  const token = subscriptionToken(7, randomBytes(TOKEN_SEED_BYTES));
  for (const each of [
    "",
    token.slice(1),
    `${token}0`,
    `${token}\n`,
    ` ${token}`,
    token.replace(/.$/, "-"),
    "z".repeat(33),
  ]) {
    expect(keyIdOfToken(each)).toBeNull();
  }
});

test("the token of a key that has none of its own follows from its secret, for ever", () => {
  const uuid = "00000000-0000-4000-8000-000000000001";
  expect(olderSubscriptionToken(1, uuid)).toBe(olderSubscriptionToken(1, uuid));
  expect(keyIdOfToken(olderSubscriptionToken(1, uuid))).toBe(1);
  expect(olderSubscriptionToken(1, uuid)).not.toBe(olderSubscriptionToken(2, uuid).slice(0, 33));
  expect(olderSubscriptionToken(1, uuid)).toMatchInlineSnapshot(`"ylDX4KDYyuqWAtW3Pn9MMNbfCgVvIKH9Y"`);
});
