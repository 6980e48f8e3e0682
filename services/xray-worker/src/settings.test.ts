import { readSettings } from "@veil/runtime";
import { expect, it } from "vitest";
import { workerSettings } from "./settings.ts";

const needed = {
  MONGODB_URI: "mongodb://127.0.0.1:27017/veil",
  REDIS_URL: "redis://127.0.0.1:6379",
  DOMAIN: "vpn.example.org",
  REALITY_PUBLIC_KEY: "pkLqJfYvR0f7p9H3ZVb8oN2xg1mWc4Td5yUe6aSiB_0",
};

it.each([
  [{}, [80, 95], [72, 24]],
  [{ USAGE_THRESHOLDS: "", EXPIRES_SOON_HOURS: "" }, [80, 95], [72, 24]],
  [{ USAGE_THRESHOLDS: "off", EXPIRES_SOON_HOURS: "off" }, [], []],
  [{ USAGE_THRESHOLDS: "50", EXPIRES_SOON_HOURS: "1,2" }, [50], [1, 2]],
])("notices of %j are for %j percent and %j hours", (given, percents, hours) => {
  const settings = readSettings(workerSettings, { program: "worker", env: { ...needed, ...given } });
  expect([settings.USAGE_THRESHOLDS, settings.EXPIRES_SOON_HOURS]).toEqual([percents, hours]);
});
