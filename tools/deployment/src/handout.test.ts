import { PRIVATE_DESTINATIONS, realityPublicKey } from "@veil/xray-config";
import { readSettings } from "@veil/runtime";
import { expect, test } from "vitest";
import { consumers, handout, mongodbHandout } from "./handout.ts";
import { ensureSecrets, type SecretStore } from "./secrets.ts";
import { deploymentSettings, secretsAmong } from "./settings.ts";

const nowhere: SecretStore = { place: "nowhere", read: async () => ({}), write: async () => {} };
const { secrets } = await ensureSecrets(nowhere, {});
const settings = readSettings(deploymentSettings, { program: "test", env: {} });

test("nobody is given the password of another user of MongoDB", () => {
  const uris = mongodbHandout(secrets, settings, "users");
  expect(uris.api["mongodb-uri"]).toBe(
    `mongodb://api:${secrets["mongodb-api-password"]}@mongodb:27017/veil?authSource=veil`,
  );
  expect(JSON.stringify(uris["xray-worker"])).not.toContain(secrets["mongodb-api-password"]);
  expect(JSON.stringify(uris)).not.toContain(secrets["mongodb-root-password"]);
});

test("a MongoDB without access control is addressed without a name", () => {
  expect(mongodbHandout(secrets, settings, "open").api["mongodb-uri"]).toBe("mongodb://mongodb:27017/veil");
});

test("the private Reality key goes to Xray alone, its public half to the API", () => {
  const files = handout(secrets, settings);
  const holders = consumers.filter((name) => JSON.stringify(files[name]).includes(secrets["reality-private-key"]));
  expect(holders).toEqual(["xray"]);
  expect(files.api["reality-public-key"]).toBe(realityPublicKey(secrets["reality-private-key"]));
});

test("a key that may only read goes to the API alone, the password of the queues' page to the collector", () => {
  const given = { ...settings, API_READONLY_KEY: "only-reads", ADMIN_PASSWORD: "shows-queues" };
  const holders = (text: string) =>
    consumers.filter((name) => JSON.stringify(handout(secrets, given)[name]).includes(text));
  expect([holders("only-reads"), holders("shows-queues")]).toEqual([["api"], ["stats-collector"]]);
  const kept = { ...secrets, "api-readonly-key": "kept-reader", "admin-password": "kept-password" };
  expect(handout(kept, settings).api["api-readonly-key"]).toBe("kept-reader");
  expect(handout(kept, settings)["stats-collector"]["admin-password"]).toBe("kept-password");
  expect(handout(kept, given).api["api-readonly-key"]).toBe("only-reads");
  expect(handout(secrets, settings).api).not.toHaveProperty("api-readonly-key");
});

test("secrets that came with the settings are known, so that a cluster's log can say where they belong", () => {
  const env = { ADMIN_PASSWORD: "shows-the-queues", REALITY_SNI: "example.org" };
  expect(secretsAmong(readSettings(deploymentSettings, { program: "test", env }))).toEqual(["ADMIN_PASSWORD"]);
  expect(secretsAmong(settings)).toEqual([]);
});

test("the key of webhooks goes to the API, which seals with it, and to the worker, which opens", () => {
  const files = handout(secrets, settings);
  const key = secrets["webhook-secret-key"];
  expect(consumers.filter((name) => JSON.stringify(files[name]).includes(key))).toEqual(["api", "xray-worker"]);
});

test("the gRPC API of an Xray in its machine's network listens on loopback alone, and nothing else differs", () => {
  const { xray } = handout(secrets, settings);
  const { api, ...rest } = JSON.parse(xray["host-network.json"] ?? "") as { api: { listen: string } };
  expect(api.listen).toBe("127.0.0.1:10085");
  expect(JSON.parse(xray["config.json"] ?? "")).toEqual({ ...rest, api: { ...api, listen: "0.0.0.0:10085" } });
});

test("Xray's config closes every private network to key holders", () => {
  const { routing } = JSON.parse(handout(secrets, settings).xray["config.json"] ?? "") as {
    routing: { rules: unknown[] };
  };
  expect(routing.rules).toContainEqual({ ruleTag: "private", ip: PRIVATE_DESTINATIONS, outboundTag: "block" });
});

test("XRAY_BLOCKED is addresses and networks, and anything else in it is named", () => {
  const read = (list: string) => readSettings(deploymentSettings, { program: "setup", env: { XRAY_BLOCKED: list } });
  const blocked = ["203.0.113.7", "198.51.100.0/24", "2001:db8::1", "2001:db8::/48"];
  expect(read(blocked.join(", ")).XRAY_BLOCKED).toEqual(blocked);
  for (const list of ["vpn.example.com", "203.0.113.7,10.0.0.0/33", "203.0.113", "2001:db8::1/129", "geoip:ru"])
    expect(() => read(list)).toThrow(/XRAY_BLOCKED must be IP addresses or networks/);
});
