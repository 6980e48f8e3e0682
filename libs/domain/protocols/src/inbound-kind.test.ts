import { expect, it } from "vitest";
import {
  hasReality,
  type InboundKind,
  isPlainKind,
  isSameKind,
  kindFault,
  PLAIN_KIND,
  transportOf,
} from "./inbound-kind.ts";

const xhttp: InboundKind = { ...PLAIN_KIND, transport: "xhttp", path: "/a" };
const shadowsocks: InboundKind = { ...PLAIN_KIND, protocol: "shadowsocks-2022", serverKey: "AAECAwQFBgcICQoLDA0ODw==" };

it("is plain where nothing is said", () => {
  expect([PLAIN_KIND, { ...PLAIN_KIND }, xhttp].map(isPlainKind)).toEqual([true, true, false]);
  expect(isPlainKind({ ...PLAIN_KIND, protocol: "trojan" })).toBe(false);
  expect(isSameKind(shadowsocks, { ...shadowsocks, serverKey: "EAECAwQFBgcICQoLDA0ODw==" })).toBe(false);
  expect([isSameKind(xhttp, { ...xhttp }), isSameKind(xhttp, { ...xhttp, path: "/b" })]).toEqual([true, false]);
});

it("has a path where its transport has one", () => {
  expect([kindFault(PLAIN_KIND), kindFault(xhttp)]).toEqual([null, null]);
  expect(kindFault({ ...xhttp, path: null })).toBe("needs a path with the transport xhttp");
  expect(kindFault({ ...xhttp, protocol: "trojan" })).toMatch(/other than tcp with the protocol trojan$/);
  expect(kindFault({ ...PLAIN_KIND, path: "/a" })).toBe("can't have a path with the transport tcp");
});

it("has the key of its server where its protocol has one, and no Reality around it then", () => {
  expect([kindFault(shadowsocks), hasReality(shadowsocks), hasReality(PLAIN_KIND)]).toEqual([null, false, true]);
  expect(kindFault({ ...shadowsocks, serverKey: null })).toMatch(/^needs the server_key .* with the protocol/);
  expect(kindFault({ ...xhttp, serverKey: shadowsocks.serverKey })).toMatch(/^can't have a server_key with .* vless$/);
  expect(kindFault({ ...shadowsocks, encryption: "a" })).toMatch(/^can't have an encryption with the protocol shadow/);
  expect([kindFault({ ...xhttp, encryption: "a" }), isSameKind(xhttp, { ...xhttp, encryption: "a" })]).toEqual([
    null,
    false,
  ]);
  expect(kindFault({ ...shadowsocks, transport: "xhttp", path: "/a" })).toMatch(
    /^can't have a transport other than tcp/,
  );
});

it("leads connections to its path, or to the one that a host has in its place", () => {
  expect(transportOf(PLAIN_KIND, "/b")).toEqual({ kind: "tcp" });
  expect([transportOf(xhttp), transportOf(xhttp, "/b")]).toEqual([
    { kind: "xhttp", path: "/a" },
    { kind: "xhttp", path: "/b" },
  ]);
});
