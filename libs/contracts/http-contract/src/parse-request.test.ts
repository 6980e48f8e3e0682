import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endpoints, operationIds } from "./endpoint-catalogue.ts";
import { messages } from "./messages.ts";
import { InvalidRequestError, parseRequest } from "./parse-request.ts";

const createKey = (body: unknown) => parseRequest(endpoints.createKey, { params: {}, body }).body;
const keyIdOf = (text: string) =>
  parseRequest(endpoints.getKey, { params: { key_id: text }, body: undefined }).params.key_id;

describe("parseRequest: the body of a create", () => {
  it("takes a missing body and an empty object as a key without a name", () => {
    expect([createKey(undefined), createKey({})]).toEqual([{}, {}]);
  });

  it("drops unknown fields", () => {
    expect(createKey({ name: "x", key_id: 7, is_active: false })).toEqual({ name: "x" });
  });

  it.each([[null], [[]]])("takes %j, an empty body in some languages, as an empty object", (body) => {
    expect(createKey(body)).toEqual({});
    const createKeys = () => parseRequest(endpoints.createKeys, { params: {}, body });
    expect(createKeys).toThrow("keys must be a list of 1 to 1000 items");
  });

  it.each([["text"], [5], [true], [[{}]]])("refuses %j with one sentence", (body) => {
    expect(() => createKey(body)).toThrow(new InvalidRequestError("the body must be a JSON object"));
  });

  it("keeps every name of up to 255 characters that holds no control character", () => {
    const character = fc
      .string({ unit: "binary", minLength: 1, maxLength: 1 })
      .filter((one) => !/\p{Cc}|\p{Cs}/u.test(one));
    fc.assert(
      fc.property(fc.array(character, { maxLength: 255 }), (characters) => {
        const name = characters.join("");
        expect(createKey({ name })).toEqual({ name });
      }),
      { numRuns: 25 },
    );
  });

  it("refuses every name with a control character or half of a surrogate pair", () => {
    const bad = fc.oneof(
      fc.integer({ min: 0, max: 0x1f }),
      fc.integer({ min: 0x7f, max: 0x9f }),
      fc.integer({ min: 0xd800, max: 0xdfff }),
    );
    fc.assert(
      fc.property(fc.string(), bad, fc.string(), (before, code, after) => {
        expect(() => createKey({ name: `${before}${String.fromCharCode(code)}${after}` })).toThrow(InvalidRequestError);
      }),
    );
  });
});

describe("parseRequest: the key id in a path", () => {
  it("takes every whole number up to 2^53-1, with or without leading zeros", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat({ max: 5 }), (keyId, zeros) => {
        expect(keyIdOf("0".repeat(zeros) + String(keyId))).toBe(keyId);
      }),
    );
  });

  it("refuses whatever is not made of decimal digits", () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/^[0-9]+$/.test(text)),
        (text) => {
          expect(() => keyIdOf(text)).toThrow(InvalidRequestError);
        },
      ),
    );
  });

  it.each([String(2 ** 53), "9".repeat(30), "1".repeat(400)])("refuses %s, which is beyond 2^53-1", (text) => {
    expect(() => keyIdOf(text)).toThrow("key_id must be a whole number from 0 to 9007199254740991, or the key's UUID");
  });
});

describe("parseRequest: refresh in a query", () => {
  const refreshOf = (refresh?: string) =>
    parseRequest(endpoints.getKeyTraffic, { params: { key_id: "1" }, query: { refresh }, body: undefined }).query
      .refresh;

  it("is true or false as clients in JavaScript, Go, Python and PHP write it, and true when it is left out", () => {
    expect(["true", "True", "1", undefined].map(refreshOf)).toEqual([true, true, true, true]);
    expect(["false", "False", "0"].map(refreshOf)).toEqual([false, false, false]);
  });

  it.each(["", "no", "2", "FALSE "])("is refused when it is %j", (text) => {
    expect(() => refreshOf(text)).toThrow(new InvalidRequestError("refresh must be true or false"));
  });
});

describe("parseRequest: the items of a batch", () => {
  it("takes null and [] as an empty object", () => {
    const { keys } = parseRequest(endpoints.createKeys, { params: {}, body: { keys: [null, [], [1]] } }).body;
    expect(keys.map(({ ok }) => ok)).toEqual([true, true, false]);
  });
});

describe("parseRequest: queries", () => {
  const list = (query: Record<string, unknown>) =>
    parseRequest(endpoints.listKeys, { params: {}, query, body: undefined }).query;

  it("refuses what the endpoint does not take, and names what it takes", () => {
    expect(list({ limit: "5", after: "7" })).toEqual({ limit: 5, after: 7 });
    for (const name of ["page", "offset", "Limit", "__proto__", "constructor"]) {
      const known = Object.keys(endpoints.listKeys.query.shape).join(", ");
      expect(() => list(JSON.parse(`{"limit":"5",${JSON.stringify(name)}:"2"}`))).toThrow(
        new InvalidRequestError(`unknown query parameter "${name}"; known here: ${known}`),
      );
    }
    expect(() => list({ ["x".repeat(1_000)]: "" })).toThrow(/^unknown query parameter "x{40}";/);
  });

  it("ignores them where the endpoint takes none", () => {
    const params = { key_id: "1" };
    expect(parseRequest(endpoints.getKey, { params, query: { page: "2" }, body: undefined }).query).toBeUndefined();
  });
});

describe("parseRequest: If-Match", () => {
  const seen = (ifMatch?: string) =>
    parseRequest(endpoints.updateKey, { params: { key_id: "1" }, body: undefined, ifMatch }).ifRevision;

  it("names the revision that the caller has seen, whatever else the tag says", () => {
    expect(['"3-1f"', 'W/"12-"', ' "0-x" ', "*", undefined].map(seen)).toEqual([3, 12, 0, "any", null]);
  });

  it.each(["", "3", '"3"', '"x-1"', '"3-1", "4-1"'])("is refused when it is %j", (ifMatch) => {
    expect(() => seen(ifMatch)).toThrow(new InvalidRequestError(messages.ifMatchMalformed));
  });

  it("is taken by the writes whose answers have a key's tag, refused by others, and means nothing to reads", () => {
    const taking = operationIds.filter((id) => Reflect.get(endpoints[id], "takesIfMatch") === true);
    expect(taking.toSorted()).toEqual(["extendKey", "putKeyByExternalId", "revokeKey", "updateKey"]);
    const ifMatch = '"3-1f"';
    const asked = { params: { key_id: "1" }, body: undefined, ifMatch };
    expect(() => parseRequest(endpoints.deleteKey, asked)).toThrow(new InvalidRequestError(messages.ifMatchNotTaken));
    expect(parseRequest(endpoints.getKey, asked).ifRevision).toBeNull();
  });
});

describe("parseRequest: endpoints that take nothing", () => {
  it("ignores what is sent", () => {
    expect(parseRequest(endpoints.syncTraffic, { params: { a: 1 }, body: [1, 2] })).toEqual({
      params: undefined,
      query: undefined,
      body: undefined,
      ifRevision: null,
    });
  });
});
