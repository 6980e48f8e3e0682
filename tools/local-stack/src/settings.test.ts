import { makeRealityKeys } from "@veil/xray-config";
import { readSettings, SettingsError } from "@veil/runtime";
import { describe, expect, test } from "vitest";
import { secretOf, stackSettings } from "./settings.ts";

const read = (env: NodeJS.ProcessEnv) => readSettings(stackSettings, { program: "npm start", env });

function faultOf(env: NodeJS.ProcessEnv): string {
  try {
    read(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error("the settings were taken");
}

describe("the settings of the local stack", () => {
  test("need none to be set", () => {
    expect(read({})).toMatchObject({
      VEIL_DATA_DIR: ".veil",
      API_PORT: 8_000,
      API_HOST: "127.0.0.1",
      DOMAIN: "127.0.0.1",
    });
  });

  test.each([
    ["API_PORT", "abc"],
    ["API_PORT", "70000"],
    ["API_SECRET_KEY", "too short"],
    ["API_SECRET_KEY", `${"a".repeat(32)},short`],
    ["REDIS_URL", "http://127.0.0.1"],
    ["MONGODB_URI", "localhost:27017"],
    ["XRAY_API_PORT", "0"],
    ["XRAY_ALLOW_PRIVATE", "maybe"],
    ["XRAY_UDP", "some"],
    ["XRAY_BLOCKED", "203.0.113.7, vpn.example.com"],
    ["XRAY_BLOCKED", "203.0.113.0/33"],
    ["REALITY_DEST", "microsoft.com"],
    ["REALITY_PORT", "-1"],
    ["REALITY_PRIVATE_KEY", "abc"],
    ["REALITY_COMMON_SHORT_ID", "7BB45050"],
    ["REALITY_FLOW", "vision"],
  ])("name %s when it is %j, with an example", (name, value) => {
    expect(faultOf({ [name]: value })).toMatch(new RegExp(`${name} must .*; example: ${name}=`));
  });

  test("never repeat a secret that is wrong", () => {
    expect(faultOf({ API_SECRET_KEY: "hunter2" })).not.toContain("hunter2");
  });

  test("refuse a public key that does not belong to the private one", () => {
    const { privateKey } = makeRealityKeys();
    const { publicKey } = makeRealityKeys();
    const fault = faultOf({ REALITY_PRIVATE_KEY: privateKey, REALITY_PUBLIC_KEY: publicKey });
    expect(fault).toContain("REALITY_PUBLIC_KEY must belong to REALITY_PRIVATE_KEY");
  });

  test("take a pair that belongs together, and a lone public key for an Xray of the user's own", () => {
    const { privateKey, publicKey } = makeRealityKeys();
    expect(() => read({ REALITY_PRIVATE_KEY: privateKey, REALITY_PUBLIC_KEY: publicKey })).not.toThrow();
    expect(() => read({ XRAY_API_HOST: "10.0.0.5", REALITY_PUBLIC_KEY: publicKey })).not.toThrow();
  });
});

test("the key of a named entry is what follows its name", () => {
  expect(secretOf("bot:abc")).toBe("abc");
  expect(secretOf(" abc ")).toBe("abc");
});
