import { describe, expect, it } from "vitest";
import { grants, READ_SCOPES, type TokenRights } from "./api-token.ts";
import { networkOf, rightsBeyond } from "./rights.ts";
import { isTokenOf, newToken, TOKEN_SEED_BYTES, tokenIdOf } from "./token-text.ts";

const all: TokenRights = { scopes: ["*"], owner: null, addresses: null };

describe("what one token may give another", () => {
  it.each<[string, Partial<TokenRights>, Partial<TokenRights>, string | null]>([
    ["everything from everything", {}, {}, null],
    ["a scope that it has", { scopes: ["keys:read"] }, { scopes: ["keys:read", "tokens:write"] }, null],
    ["a scope that it lacks", { scopes: ["keys:write"] }, { scopes: ["keys:read"] }, "the scope keys:write"],
    ["all scopes from one that has them singly", { scopes: ["*"] }, { scopes: READ_SCOPES }, "the scope *"],
    ["any owner from one without", { owner: "shop" }, {}, null],
    ["its own owner", { owner: "shop" }, { owner: "shop" }, null],
    ["another owner", { owner: "other" }, { owner: "shop" }, "keys of another owner"],
    ["no owner from one with", {}, { owner: "shop" }, "keys of another owner"],
    ["narrower addresses", { addresses: ["10.1.0.0/16"] }, { addresses: ["192.0.2.7", "10.0.0.0/8"] }, null],
    ["its own address", { addresses: ["2001:db8::7"] }, { addresses: ["2001:db8::/32"] }, null],
    ["wider addresses", { addresses: ["10.0.0.0/7"] }, { addresses: ["10.0.0.0/8"] }, "the address 10.0.0.0/7"],
    ["addresses of the other family", { addresses: ["::/0"] }, { addresses: ["0.0.0.0/0"] }, "the address ::/0"],
    ["all addresses", {}, { addresses: ["10.0.0.0/8"] }, "other addresses"],
  ])("%s", (_name, token, giver, beyond) => {
    expect(rightsBeyond({ ...all, ...token }, { ...all, ...giver })).toBe(beyond);
  });
});

describe("networkOf", () => {
  it.each(["10.0.0.0/33", "::/129", "10.0.0", "10.0.0.1/", "a", "", "1.2.3.4/8/8", "fe80::1%eth0"])(
    "takes %j for none",
    (text) => {
      expect(networkOf(text)).toBeNull();
    },
  );
});

describe("scopes", () => {
  it("holds all in *, and no other scope in another", () => {
    expect([grants(["*"], "tokens:write"), grants(["keys:write"], "keys:read"), grants([], "keys:read")]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("a token's text", () => {
  it("has the form that secret scanners know it by, its id in it, and proves itself", () => {
    const { token, id, hash } = newToken(Buffer.alloc(TOKEN_SEED_BYTES, 0xa7));
    expect(token).toMatch(/^veil_[0-9A-Za-z]{40}$/);
    expect(tokenIdOf(token)).toBe(id);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(isTokenOf(token, { hash })).toBe(true);
    expect(isTokenOf(`${token.slice(0, -1)}!`, { hash })).toBe(false);
    expect(isTokenOf(token, { hash: "" })).toBe(false);
  });

  it.each([
    "",
    "veil_",
    `veil_${"a".repeat(39)}`,
    `veil_${"a".repeat(41)}`,
    `Veil_${"a".repeat(40)}`,
    `veil_${"-".repeat(40)}`,
  ])("finds no id in %j", (text) => {
    expect(tokenIdOf(text)).toBeNull();
  });
});
