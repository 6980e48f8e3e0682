import { describe, expect, it } from "vitest";
import { misspelledSettings, warnOfMisspelledSettings } from "./misspelled-settings.ts";
import { SETTING_NAMES } from "./setting-names.ts";

describe("misspelledSettings", () => {
  it.each([
    ["XRAY_NODE", "XRAY_NODES"],
    ["XRAY_NDOES", "XRAY_NODES"],
    ["API_SECRET", "API_SECRET_KEY"],
    ["API_SECRET_FILE", "API_SECRET_KEY_FILE"],
    ["API_SECRET_KEYS", "API_SECRET_KEY"],
    ["API_SECRETKEY", "API_SECRET_KEY"],
    ["api_secret_key", "API_SECRET_KEY"],
    ["XRAY_PORT", "XRAY_API_PORT"],
    ["REALITY_SHORT_ID", "REALITY_COMMON_SHORT_ID"],
    ["REALITY_PUBLICKEY", "REALITY_PUBLIC_KEY"],
    ["TRUSTED_PROXY", "TRUST_PROXY"],
    ["ALLOWED_IP", "ALLOWED_IPS"],
    ["MONGO_URI", "MONGODB_URI"],
    ["DOMAINS", "DOMAIN"],
    ["RATE_LIMIT", "RATE_LIMIT_PER_SECOND"],
  ])("takes %s for %s", (name, meant) => {
    expect(misspelledSettings({ [name]: "secret" })).toEqual([{ name, meant }]);
  });

  it("is said once for all of them, without their values", () => {
    const lines: unknown[] = [];
    const log = { warn: (...line: unknown[]) => void lines.push(line) };
    warnOfMisspelledSettings({ XRAY_NODE: "secret-1", API_SECRET: "secret-2", REDIS_URL: "redis://a" }, log);
    warnOfMisspelledSettings({ REDIS_URL: "redis://a" }, log);
    const misspelled = [
      { name: "XRAY_NODE", meant: "XRAY_NODES" },
      { name: "API_SECRET", meant: "API_SECRET_KEY" },
    ];
    expect(lines).toEqual([[{ misspelled }, "settings with unknown names are ignored"]]);
  });

  it("takes no setting for another one, nor its form that names a file", () => {
    for (const name of SETTING_NAMES) expect(misspelledSettings({ [name]: "1", [`${name}_FILE`]: "1" })).toEqual([]);
  });

  it.each([
    {
      PATH: "/bin",
      HOME: "/root",
      NODE_ENV: "production",
      PORT: "1",
      HOST: "a",
      TZ: "UTC",
      NODE_OPTIONS: "",
      EDITOR: "vi",
    },
    {
      XRAY_LOCATION_ASSET: "/x",
      XRAY_BUF_SPLICE: "disable",
      VEIL_VERSION: "1.0.0",
      VEIL_CACHE_DIR: "/x",
      API_PUBLISH: "8000",
    },
    { XRAY_PORT: "tcp://10.0.0.1:443", XRAY_API_SERVICE_HOST: "10.0.0.1", API_PORT_8000_TCP_PORT: "8000" },
    { REDIS_MAXMEMORY: "1gb", XRAY_WORKERS: "2", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1", ALLOWED_IP: "" },
  ])("says nothing of what others read", (env) => {
    expect(misspelledSettings(env)).toEqual([]);
  });
});
