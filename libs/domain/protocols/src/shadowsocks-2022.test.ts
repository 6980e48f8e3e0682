import { describe, expect, it } from "vitest";
import { PLAIN_KIND } from "./inbound-kind.ts";
import type { LinkSettings } from "./share-link.ts";
import { shadowsocks2022 } from "./shadowsocks-2022.ts";
import { shadowsocksMethodOf } from "./shadowsocks-method.ts";

const UUID = "66ad4540-b58c-4ad2-9926-ea63445a9b57";
/** Its base64 has what has a meaning in URLs. */
const SHORT = Buffer.alloc(16, 0xfb).toString("base64");
const LONG = Buffer.alloc(32, 0xfb).toString("base64");
const key = { uuid: UUID, flow: "xtls-rprx-vision", remark: "Anna 1" } as const;
const accountOf = (serverKey: string, uuid = UUID) =>
  shadowsocks2022.accountOf({ ...key, uuid }, { ...PLAIN_KIND, serverKey });
const settings: LinkSettings = {
  host: "[2001:db8::1]",
  port: 8443,
  sni: "www.example.org",
  fingerprint: "chrome",
  publicKey: "KEY",
  shortId: "7bb45050",
  serverKey: SHORT,
  noFlow: "write",
};

describe("a user's key", () => {
  it("is as long as the server's, follows from the UUID and the method, and does not show it", () => {
    const [short, long] = [accountOf(SHORT).key, accountOf(LONG).key];
    expect([short, long]).toEqual(["VvhHnKtQLoqNQS0roolEVQ==", "Z/QpRFlpVz3t3+1sMe66pNbrkdR3zm0zwhnX/IRdokY="]);
    expect(accountOf(SHORT, UUID.replace(/^6/, "7")).key).not.toBe(short);
  });

  it("is valid in base64 of one of both lengths only", () => {
    expect([SHORT, LONG].map(shadowsocksMethodOf)).toEqual(["2022-blake3-aes-128-gcm", "2022-blake3-aes-256-gcm"]);
    for (const other of [
      "",
      "secret",
      SHORT.slice(0, -1),
      SHORT.replace("+", "-"),
      Buffer.alloc(24).toString("base64"),
    ]) {
      expect([other, shadowsocks2022.isValidAccount({ protocol: "shadowsocks-2022", key: other })]).toEqual([
        other,
        false,
      ]);
    }
    expect(shadowsocks2022.isSameAccount(accountOf(SHORT), accountOf(SHORT))).toBe(true);
    expect(shadowsocks2022.isSameAccount(accountOf(SHORT), accountOf(LONG))).toBe(false);
  });
});

describe("links", () => {
  it("are those of SIP002, with both keys percent-encoded and no word of Reality", () => {
    const link = shadowsocks2022.shareLink(key, settings);
    expect(link).toBe(
      `ss://2022-blake3-aes-128-gcm:${encodeURIComponent(`${SHORT}:${accountOf(SHORT).key}`)}@[2001:db8::1]:8443#Anna%201`,
    );
    const url = new URL(link);
    expect(decodeURIComponent(url.password)).toBe(`${SHORT}:${accountOf(SHORT).key}`);
  });
});
