import { expect, it } from "vitest";
import { warnOfUnreadSettings } from "./unread-settings.ts";

const dependent = {
  XRAY_CONFIG_PATH: ["XRAY_CONFIG_NODE"],
  XRAY_DISCOVERY_SERVICE: ["XRAY_DISCOVERY_HOST", "XRAY_DISCOVERY_NODE"],
};
const saidOf = (env: Record<string, string>) => {
  const said: unknown[] = [];
  warnOfUnreadSettings(dependent, env, { warn: (fields: unknown) => void said.push(fields) });
  return said;
};

it("names settings without the one that they belong to, by themselves or by a file", () => {
  expect(saidOf({ XRAY_DISCOVERY_HOST: "{node}.example.com", XRAY_DISCOVERY_NODE_FILE: "/node" })).toEqual([
    { settings: ["XRAY_DISCOVERY_HOST", "XRAY_DISCOVERY_NODE"], needed: "XRAY_DISCOVERY_SERVICE" },
  ]);
});

it("says nothing of settings that are empty, nor beside the one that they belong to", () => {
  expect(saidOf({ XRAY_CONFIG_NODE: "", XRAY_DISCOVERY_SERVICE: "xray", XRAY_DISCOVERY_HOST: "{node}" })).toEqual([]);
  expect(saidOf({ XRAY_CONFIG_NODE: "main", XRAY_CONFIG_PATH_FILE: "/path" })).toEqual([]);
});
