import { readSettings, SettingsError } from "@veil/runtime";
import { describe, expect, it } from "vitest";
import { collectorSettings } from "./settings.ts";

const read = (env: Record<string, string>) => readSettings(collectorSettings, { program: "stats-collector", env });

describe("the collector's settings", () => {
  it("have defaults for everything", () => {
    expect(read({})).toMatchObject({
      TRAFFIC_SYNC_INTERVAL_SECONDS: 10,
      COLLECTOR_CONCURRENCY: 64,
      USAGE_DAYS: 90,
      XRAY_INBOUND_TAG: "vless-in",
      QUEUE_PREFIX: "veil",
      METRICS_PORT: 9102,
    });
  });

  it.each([
    ["TRAFFIC_SYNC_INTERVAL_SECONDS", "0"],
    ["COLLECTOR_CONCURRENCY", "many"],
    ["REDIS_URL", "http://127.0.0.1"],
    ["MONGODB_URI", "postgres://127.0.0.1"],
    ["QUEUE_PREFIX", "Veil:1"],
    ["XRAY_NODES", "[]"],
  ])("refuse %s=%s", (name, value) => {
    expect(() => read({ [name]: value })).toThrow(SettingsError);
  });
});
