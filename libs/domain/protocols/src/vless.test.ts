import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LinkSettings, linkName } from "./share-link.ts";
import { type VlessAccount, type VlessFlow, vless, vlessFlowOf } from "./vless.ts";

const UUID = "66ad4540-b58c-4ad2-9926-ea63445a9b57";

const settings: LinkSettings = {
  host: "vpn.example.com",
  port: 443,
  sni: "www.example.org",
  fingerprint: "chrome",
  publicKey: "pkLqJfYvR0f7p9H3ZVb8oN2xg1mWc4Td5yUe6aSiB_0",
  shortId: "7bb45050",
  noFlow: "omit",
};

function linkOf(name: string | null, overrides: Partial<LinkSettings> = {}, flow: VlessFlow = ""): string {
  return vless.shareLink({ uuid: UUID, flow, remark: linkName({ id: 7, name }) }, { ...settings, ...overrides });
}

describe("vless.shareLink", () => {
  it("writes the parameters that the contract names, in its order", () => {
    expect(linkOf("Alice")).toBe(
      `vless://${UUID}@vpn.example.com:443?encryption=none&type=tcp&security=reality&sni=www.example.org&fp=chrome` +
        "&pbk=pkLqJfYvR0f7p9H3ZVb8oN2xg1mWc4Td5yUe6aSiB_0&sid=7bb45050&spx=%2F#Alice",
    );
  });

  it("names the flow of a key that has one", () => {
    expect(linkOf("Alice", {}, "xtls-rprx-vision")).toMatch(/&spx=%2F&flow=xtls-rprx-vision#Alice$/);
  });

  it("writes the first contract's link, to the letter, for those who ask for it", () => {
    expect(linkOf("Alice", { noFlow: "write" })).toBe(
      `vless://${UUID}@vpn.example.com:443?type=tcp&security=reality&sni=www.example.org&fp=chrome` +
        "&pbk=pkLqJfYvR0f7p9H3ZVb8oN2xg1mWc4Td5yUe6aSiB_0&sid=7bb45050&spx=%2F&flow=none#Alice",
    );
    expect(linkOf("Alice", { noFlow: "write" }, "xtls-rprx-vision")).toBe(linkOf("Alice", {}, "xtls-rprx-vision"));
  });

  it.each([null, "", " ", "\u00a0\t"])("calls a key named %j by its id", (name) => {
    expect(linkOf(name)).toMatch(/#key-7$/);
  });

  it.each([
    ["a space", "My phone", "My%20phone"],
    ["Cyrillic", "Ключ", "%D0%9A%D0%BB%D1%8E%D1%87"],
    ["an emoji", "🔑", "%F0%9F%94%91"],
    ["what encodeURIComponent leaves", "!'()*", "%21%27%28%29%2A"],
    ["what RFC 3986 leaves", "a-Z_0.9~", "a-Z_0.9~"],
    ["the characters that steer a URL", "#?&=%/@:+", "%23%3F%26%3D%25%2F%40%3A%2B"],
    ["half an emoji", "\ud83d", "%EF%BF%BD"],
  ])("percent-encodes %s in the name", (_case, name, encoded) => {
    expect(linkOf(name).split("#")[1]).toBe(encoded);
  });

  it.each([
    ["vpn.example.com", "vpn.example.com:443"],
    ["192.0.2.1", "192.0.2.1:443"],
    ["2001:db8::1", "[2001:db8::1]:443"],
    ["[2001:db8::1]", "[2001:db8::1]:443"],
  ])("writes the host %s as %s", (host, authority) => {
    expect(linkOf("Alice", { host })).toContain(`@${authority}?`);
  });

  it("gives any name and any setting back to whoever parses the link", () => {
    const text = fc.string({ unit: "binary", minLength: 1 });
    fc.assert(
      fc.property(text, text, text, (name, sni, fingerprint) => {
        const link = new URL(linkOf(name, { sni, fingerprint }));
        expect(link.username).toBe(UUID);
        expect(link.host).toBe("vpn.example.com:443");
        expect(decodeURIComponent(link.hash.slice(1))).toBe(linkName({ id: 7, name }));
        expect(link.searchParams.get("sni")).toBe(sni);
        expect(link.searchParams.get("fp")).toBe(fingerprint);
        expect(link.searchParams.get("spx")).toBe("/");
        expect([...link.searchParams.keys()]).toEqual([
          "encryption",
          "type",
          "security",
          "sni",
          "fp",
          "pbk",
          "sid",
          "spx",
        ]);
        expect(link.href).toMatch(/^[A-Za-z0-9\-._~:/?#@&=%]+$/);
      }),
    );
  });
});

describe("vless accounts", () => {
  it("have an empty flow when the setting says none", () => {
    const flow = vlessFlowOf("none");
    expect(vless.accountOf({ uuid: UUID, flow })).toEqual({ protocol: "vless", uuid: UUID, flow: "" });
    expect(vless.accountOf({ uuid: UUID, flow: vlessFlowOf("xtls-rprx-vision") }).flow).toBe("xtls-rprx-vision");
  });

  it("have no flow over anything but TCP, and neither has the link", () => {
    const key = { uuid: UUID, flow: "xtls-rprx-vision", remark: "a" } as const;
    expect([vless.accountOf(key).flow, vless.accountOf(key, { transport: "xhttp", serverKey: null }).flow]).toEqual([
      key.flow,
      "",
    ]);
    const link = vless.shareLink(key, { ...settings, transport: { kind: "xhttp", path: "/a" } });
    expect(link).toMatch(/type=xhttp.*&path=%2Fa&mode=auto#a$/);
    expect(link).not.toContain("flow");
  });

  const account: VlessAccount = { protocol: "vless", uuid: UUID, flow: "" };

  it("are valid with a version 4 UUID and a known flow only", () => {
    expect(vless.isValidAccount(account)).toBe(true);
    expect(vless.isValidAccount({ ...account, uuid: "hello" })).toBe(false);
    expect(vless.isValidAccount(Object.assign({}, account, { flow: "none" }))).toBe(false);
  });

  it("are the same when Xray cannot tell their UUIDs apart and their flows are equal", () => {
    expect(vless.isSameAccount(account, { ...account, uuid: UUID.replace("-4ad2-", "-4fff-") })).toBe(true);
    expect(vless.isSameAccount(account, { ...account, uuid: UUID.replace(/^6/, "7") })).toBe(false);
    expect(vless.isSameAccount(account, { ...account, flow: "xtls-rprx-vision" })).toBe(false);
  });
});
