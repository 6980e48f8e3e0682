import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { networkBucket, parseClientAddress } from "./client-address.ts";

describe("parseClientAddress", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7", "203.0.113.7"],
    ["203.0.113.7:4711", "203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7", "203.0.113.7"],
    ["::ffff:cb00:7107", "203.0.113.7", "203.0.113.7"],
    ["[::ffff:203.0.113.7]:80", "203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:0001:2:0:0:0:1", "2001:db8:1:2::1", "2001:db8:1:2::/64"],
    ["[2001:db8:1:2::1]:65535", "2001:db8:1:2::1", "2001:db8:1:2::/64"],
    ["[2001:db8:1:2::1]", "2001:db8:1:2::1", "2001:db8:1:2::/64"],
    ["fe80::1%eth0", "fe80::1", "fe80::/64"],
    ["::1", "::1", "::/64"],
  ])("reads %s", (text, address, network) => {
    expect(parseClientAddress(text)).toEqual({
      family: address.includes(":") ? "ipv6" : "ipv4",
      text: address,
      network,
    });
  });

  it.each([
    "",
    "unknown",
    "_hidden",
    "1",
    "010.1.1.1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4:",
    "1.2.3.4:x",
    "[::1",
    "[1:2]",
    "::1]",
    ":80",
  ])("takes %j for no address", (text) => {
    expect(parseClientAddress(text)).toBeNull();
  });

  it("never throws", () => {
    const part = fc.constantFrom("1", ".", ":", "[", "]", "%", "ffff", "::", "255", "0", " ", "/");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        parseClientAddress(parts.join(""));
      }),
    );
  });
});

describe("networkBucket", () => {
  it("is one for all addresses of a /64, however they are written", () => {
    const own = ["2001:db8:1:2::1", "[2001:db8:1:2:ffff:ffff:ffff:ffff]:1", "2001:DB8:1:2:0:0:0:9"].map(networkBucket);
    expect(new Set(own).size).toBe(1);
    expect(networkBucket("2001:db8:1:3::1")).not.toBe(own[0]);
    expect(networkBucket("::ffff:203.0.113.7")).toBe(networkBucket("203.0.113.7:9"));
  });

  it("has few names", () => {
    expect(networkBucket("203.0.113.7")).toMatch(/^[0-9a-f]{4}$/);
    expect(networkBucket(undefined)).toBe(networkBucket("nonsense"));
  });
});
