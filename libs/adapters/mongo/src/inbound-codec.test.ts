import { someInbound } from "@veil/nodes/testing";
import { expect, it } from "vitest";
import { toInboundDocuments, toInbounds } from "./inbound-codec.ts";

it("reads what was stored before an inbound had further fields, and leaves out what only a newer version serves", () => {
  const documents = [{ tag: "a" }, { tag: "b", protocol: "trojan", path: null }, { tag: "c", protocol: "newer" }];
  expect(toInbounds(documents)).toEqual([someInbound("a"), someInbound("b", { protocol: "trojan" })]);
});

it("reads what it writes", () => {
  const inbound = someInbound("s", { protocol: "shadowsocks-2022", serverKey: "AAECAwQFBgcICQoLDA0ODw==", port: 1 });
  const encrypted = someInbound("e", { encryption: "mlkem768x25519plus.native.0rtt.KEY", port: 2 });
  expect(toInbounds(toInboundDocuments([inbound, encrypted]))).toEqual([inbound, encrypted]);
});
