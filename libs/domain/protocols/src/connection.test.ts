import { describe, expect, it } from "vitest";
import { connectionLink, type VlessConnection } from "./connection.ts";

const reality = {
  kind: "reality",
  sni: "a.example",
  publicKey: "KEY",
  shortId: "7b",
  fingerprint: "ios",
  spiderX: "/s",
} as const;
const connection: VlessConnection = {
  protocol: "vless",
  remark: "Anna",
  address: "2001:db8::1",
  port: 8443,
  uuid: "66ad4540-b58c-4ad2-9926-ea63445a9b57",
  flow: "",
  security: reality,
  transport: { kind: "xhttp", path: "/веб" },
};

describe("connectionLink", () => {
  it("says what carries the streams", () => {
    expect(connectionLink(connection, "omit")).toBe(
      "vless://66ad4540-b58c-4ad2-9926-ea63445a9b57@[2001:db8::1]:8443?encryption=none&type=xhttp&security=reality" +
        "&sni=a.example&fp=ios&pbk=KEY&sid=7b&spx=%2Fs&path=%2F%D0%B2%D0%B5%D0%B1&mode=auto#Anna",
    );
  });

  it("says which application protocols are offered where those are not the fingerprint's", () => {
    const security = { ...reality, alpn: ["h2", "http/1.1"] };
    expect(connectionLink({ ...connection, security, transport: { kind: "tcp" } }, "omit")).toMatch(
      /&spx=%2Fs&alpn=h2%2Chttp%2F1\.1#Anna$/,
    );
  });

  it("says what encrypts within the transport, also to the letter of the first contract, which knows of none", () => {
    const encrypted = { ...connection, encryption: "mlkem768x25519plus.native.0rtt.KEY" };
    for (const noFlow of ["omit", "write"] as const)
      expect(connectionLink(encrypted, noFlow)).toMatch(
        /\?encryption=mlkem768x25519plus\.native\.0rtt\.KEY&type=xhttp&/,
      );
  });

  it("says nothing of Reality where there is none", () => {
    expect(connectionLink({ ...connection, security: { kind: "none" }, transport: { kind: "tcp" } }, "omit")).toBe(
      "vless://66ad4540-b58c-4ad2-9926-ea63445a9b57@[2001:db8::1]:8443?encryption=none&type=tcp&security=none#Anna",
    );
  });
});
