import { describe, expect, it } from "vitest";
import type { LinkSettings } from "./share-link.ts";
import { trojan } from "./trojan.ts";

const UUID = "66ad4540-b58c-4ad2-9926-ea63445a9b57";
const settings: LinkSettings = {
  host: "vpn.example.com",
  port: 8443,
  sni: "www.example.org",
  fingerprint: "chrome",
  publicKey: "KEY",
  shortId: "7bb45050",
  noFlow: "write",
};
const key = { uuid: UUID, flow: "xtls-rprx-vision", remark: "Anna 1" } as const;
const { password } = trojan.accountOf(key);

it("has a password that follows from the UUID, is always the same, and does not show it", () => {
  expect(password).toBe("z5jMwpSr4Ikk04YRq1e2Jg");
  expect(trojan.accountOf({ ...key, flow: "" }).password).toBe(password);
  expect(trojan.accountOf({ ...key, uuid: UUID.replace(/^6/, "7") }).password).not.toBe(password);
});

describe("accounts", () => {
  it("are valid with such a password only, and the same with the same one", () => {
    expect(trojan.isValidAccount(trojan.accountOf(key))).toBe(true);
    for (const other of ["", "secret", `${password}=`])
      expect(trojan.isValidAccount({ protocol: "trojan", password: other })).toBe(false);
    expect(trojan.isSameAccount(trojan.accountOf(key), { protocol: "trojan", password })).toBe(true);
    expect(trojan.isSameAccount(trojan.accountOf(key), { protocol: "trojan", password: `${password}x` })).toBe(false);
  });
});

describe("links", () => {
  it("say what those of VLESS say, without what is VLESS's own", () => {
    expect(trojan.shareLink(key, settings)).toBe(
      `trojan://${password}@vpn.example.com:8443?type=tcp&security=reality&sni=www.example.org&fp=chrome&pbk=KEY` +
        "&sid=7bb45050&spx=%2F#Anna%201",
    );
  });
});
