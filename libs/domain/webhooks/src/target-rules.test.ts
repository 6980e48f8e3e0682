import { describe, expect, it } from "vitest";
import { isPublicAddress, urlFault } from "./target-rules.ts";

describe("isPublicAddress", () => {
  it.each(["1.1.1.1", "8.8.8.8", "203.0.112.7", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])(
    "takes %s for public",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "",
    "bot.example.com",
  ])("takes %j for none", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe("urlFault", () => {
  it.each(["https://bot.example.com/veil?a=1", "http://8.8.8.8:8080/", "https://[2606:4700::1111]/x"])(
    "takes %s",
    (url) => {
      expect(urlFault(url, false)).toBeNull();
    },
  );

  it.each([
    ["ftp://bot.example.com", "url must be like https://bot.example.com/veil"],
    ["bot.example.com", "url must be like https://bot.example.com/veil"],
    ["https://user:secret@bot.example.com", "url must hold no user name and no password"],
    ["https://bot.example.com/#a", "url must hold no #"],
    [`https://bot.example.com/${"a".repeat(2_048)}`, "url must have at most 2048 characters"],
  ])("refuses %s everywhere", (url, fault) => {
    expect([urlFault(url, false), urlFault(url, true)]).toEqual([fault, fault]);
  });

  it.each([
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.0.0.1/",
    "http://[::1]:80/",
    "http://[::ffff:10.0.0.1]/",
    "http://localhost:8080/",
    "http://LOCALHOST./",
    "http://a.localhost/",
  ])("refuses %s unless private addresses are allowed", (url) => {
    expect(urlFault(url, false)).toMatch(/public address/);
    expect(urlFault(url, true)).toBeNull();
  });
});
