import { expect, it } from "vitest";
import { type InboundKind, isPlainKind, isSameKind, kindFault, PLAIN_KIND, transportOf } from "./inbound-kind.ts";

const xhttp: InboundKind = { protocol: "vless", transport: "xhttp", path: "/a" };

it("is plain where nothing is said", () => {
  expect([PLAIN_KIND, { ...PLAIN_KIND }, xhttp].map(isPlainKind)).toEqual([true, true, false]);
  expect(isPlainKind({ ...PLAIN_KIND, protocol: "trojan" })).toBe(false);
  expect([isSameKind(xhttp, { ...xhttp }), isSameKind(xhttp, { ...xhttp, path: "/b" })]).toEqual([true, false]);
});

it("has a path where its transport has one", () => {
  expect([kindFault(PLAIN_KIND), kindFault(xhttp)]).toEqual([null, null]);
  expect(kindFault({ ...xhttp, path: null })).toBe("needs a path with the transport xhttp");
  expect(kindFault({ ...xhttp, protocol: "trojan" })).toMatch(/other than tcp with the protocol trojan$/);
  expect(kindFault({ ...PLAIN_KIND, path: "/a" })).toBe("can't have a path with the transport tcp");
});

it("leads connections to its path, or to the one that a host has in its place", () => {
  expect(transportOf(PLAIN_KIND, "/b")).toEqual({ kind: "tcp" });
  expect([transportOf(xhttp), transportOf(xhttp, "/b")]).toEqual([
    { kind: "xhttp", path: "/a" },
    { kind: "xhttp", path: "/b" },
  ]);
});
