import { readSettings, SettingsError } from "@veil/runtime";
import { describe, expect, it } from "vitest";
import { apiSettings } from "./settings.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

function read(env: Record<string, string>) {
  return readSettings(apiSettings, { program: "api", env: { API_SECRET_KEY: SECRET, ...env } });
}

function problemsOf(env: Record<string, string>): string {
  try {
    read(env);
  } catch (error) {
    if (error instanceof SettingsError) return JSON.stringify(error.problems) + error.message;
    throw error;
  }
  throw new Error("the settings were accepted");
}

describe("apiSettings", () => {
  it("has the first implementation's defaults", () => {
    expect(read({})).toMatchObject({
      API_SECRET_KEY: [{ name: null, tokens: [SECRET] }],
      API_READONLY_KEY: [],
      RATE_LIMIT_PER_SECOND: 200,
      ALLOWED_IPS: null,
      TRUST_PROXY: false,
      API_HOST: "0.0.0.0",
      API_PORT: 8_000,
      CORS_ORIGINS: "any",
      DOCS: true,
      WRITE_DEADLINE_MS: 10_000,
      REALITY_PORT: 443,
      REALITY_SERVER_NAME: "microsoft.com",
      REALITY_FINGERPRINT: "chrome",
      REALITY_COMMON_SHORT_ID: "7bb45050",
      REALITY_FLOW: "none",
    });
  });

  it("takes several secrets, separated by commas", () => {
    const other = "fedcba9876543210fedcba9876543210";
    expect(read({ API_SECRET_KEY: ` ${SECRET}, ${other},` }).API_SECRET_KEY).toEqual([
      { name: null, tokens: [SECRET] },
      { name: null, tokens: [other] },
    ]);
  });

  it("takes names before the secrets, and the whole entry as a secret as well", () => {
    const { API_SECRET_KEY, API_READONLY_KEY } = read({
      API_SECRET_KEY: `botA:${SECRET},9:${SECRET}`,
      API_READONLY_KEY: `panel:${SECRET}`,
    });
    expect(API_SECRET_KEY).toEqual([
      { name: "botA", tokens: [SECRET, `botA:${SECRET}`] },
      { name: null, tokens: [`9:${SECRET}`] },
    ]);
    expect(API_READONLY_KEY).toEqual([{ name: "panel", tokens: [SECRET, `panel:${SECRET}`] }]);
  });

  it.each([
    ["0", false],
    ["2", 2],
  ])("reads TRUST_PROXY=%s", (value, proxies) => {
    expect(read({ TRUST_PROXY: value }).TRUST_PROXY).toEqual(proxies);
  });

  it("reads the addresses of proxies", () => {
    const proxies = read({ TRUST_PROXY: "10.0.0.0/8, ::1" }).TRUST_PROXY;
    expect(typeof proxies === "object" && ["10.1.2.3", "11.0.0.1"].map((address) => proxies.check(address))).toEqual([
      true,
      false,
    ]);
    expect(typeof proxies === "object" && proxies.check("::1", "ipv6")).toBe(true);
  });

  it.each([
    ["", /is not set/],
    ["short", /at least 32 characters/],
    [`${SECRET},short`, /at least 32 characters/],
    [",,", /at least one/],
    ["botA:short", /at least 32 characters/],
    [`${SECRET}é`, /printable ASCII/],
    [`${SECRET}\n${SECRET}`, /printable ASCII/],
  ])("refuses the secret %j and does not repeat it", (value, problem) => {
    const said = problemsOf({ API_SECRET_KEY: value });
    expect(said).toMatch(problem);
    expect(said).toContain("API_SECRET_KEY");
    for (const part of value.split(/[,\n]/).filter((one) => one.length > 6)) expect(said).not.toContain(part);
  });

  it.each([
    ["API_PORT", "0x50"],
    ["API_PORT", "65536"],
    ["REDIS_URL", "http://redis"],
    ["MONGODB_URI", "mongo"],
    ["API_READONLY_KEY", "short"],
    ["RATE_LIMIT_PER_SECOND", "-1"],
    ["ALLOWED_IPS", "10.0.0.0/33"],
    ["ALLOWED_IPS", "somewhere"],
    ["ALLOWED_IPS", ","],
    ["ALLOWED_IPS", " , "],
    ["TRUST_PROXY", "true"],
    ["TRUST_PROXY", "10.0.0.0/8/8"],
    ["QUEUE_PREFIX", "veil:prod"],
    ["CORS_ORIGINS", "admin.example"],
    ["CORS_ORIGINS", "https://admin.example/path"],
    ["CORS_ORIGINS", "*,https://admin.example"],
    ["DOCS", "yes"],
    ["DEVICES_WITHOUT_ID", "deny"],
    ["WRITE_DEADLINE_MS", "7999"],
    ["WRITE_DEADLINE_MS", "soon"],
    ["DOMAIN", "https://vpn.example.com"],
    ["DOMAIN", "vpn.example.com:443"],
    ["DOMAIN", "two words"],
    ["DOMAIN", "[::1"],
    ["DOMAIN", "::1]"],
    ["DOMAIN", ":"],
    ["DOMAIN", "a\\b"],
    ["DOMAIN", "%"],
    ["REALITY_PORT", "-1"],
    ["REALITY_SNI", "a b"],
    ["REALITY_PUBLIC_KEY", "too-short"],
    ["REALITY_COMMON_SHORT_ID", "7BB45050"],
    ["REALITY_COMMON_SHORT_ID", "7bb4505"],
    ["REALITY_FLOW", "xtls-rprx-direct"],
    ["REALITY_FINGERPRINT", "chrome&x=1"],
    ["REALITY_FINGERPRINT", "chrom"],
    ["REALITY_FINGERPRINT", "unsafe"],
    ["REALITY_FINGERPRINT", "hellochrome_131"],
    ["REALITY_FINGERPRINT", "android"],
    ["REALITY_FINGERPRINT", "360"],
    ["LOG_LEVEL", "loud"],
    ["XRAY_NODES", "{}"],
  ])("refuses %s=%s by name", (name, value) => {
    expect(problemsOf({ [name]: value })).toContain(name);
  });

  it("says how short a write's deadline may be, and takes that one", () => {
    expect(problemsOf({ WRITE_DEADLINE_MS: "3000" })).toMatch(
      /WRITE_DEADLINE_MS must be a duration from 8000 ms to 60000 ms, .*; example: WRITE_DEADLINE_MS=10000/,
    );
    expect(read({ WRITE_DEADLINE_MS: "8000" }).WRITE_DEADLINE_MS).toBe(8_000);
  });

  it("says which fingerprints there are", () => {
    expect(problemsOf({ REALITY_FINGERPRINT: "chrom" })).toMatch(
      /REALITY_FINGERPRINT must be .*: chrome, firefox, .*; example: REALITY_FINGERPRINT=chrome/,
    );
  });

  it.each([
    ["ios", "ios"],
    ["Firefox", "firefox"],
    ["randomized", "randomized"],
  ])("takes %s as REALITY_FINGERPRINT", (value, fingerprint) => {
    expect(read({ REALITY_FINGERPRINT: value }).REALITY_FINGERPRINT).toBe(fingerprint);
  });

  it.each(["vpn.example.com", "203.0.113.7", "2001:db8::1", "[2001:db8::1]", "localhost"])(
    "takes %s as DOMAIN",
    (value) => {
      expect(read({ DOMAIN: value }).DOMAIN).toBe(value);
    },
  );

  it("reads a host in other letters as Punycode, which is what clients look up, and keeps names of handshakes", () => {
    const hosts = { DOMAIN: "впн.пример.рф", REALITY_SNI: "bücher.example" };
    expect(read(hosts)).toMatchObject({ ...hosts, DOMAIN: "xn--b1awf.xn--e1afmkfd.xn--p1ai" });
    expect(() => read({ DOMAIN: "пример рф" })).toThrow(/DOMAIN must be a host name/);
  });

  it.each([
    ["on", true],
    ["off", false],
  ])("reads DOCS=%s", (value, hasDocs) => {
    expect(read({ DOCS: value }).DOCS).toBe(hasDocs);
  });

  it.each([
    ["*", "any"],
    ["off", "off"],
    ["https://a.example, http://localhost:3000", ["https://a.example", "http://localhost:3000"]],
  ])("reads CORS_ORIGINS=%s", (value, policy) => {
    expect(read({ CORS_ORIGINS: value }).CORS_ORIGINS).toEqual(policy);
  });
});
