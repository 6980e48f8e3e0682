import type { ServiceName } from "@veil/engines";
import { readSettings } from "@veil/runtime";
import { expect, test } from "vitest";
import { serviceEnvironment } from "./service-environment.ts";
import { stackSettings } from "./settings.ts";

const addresses = {
  redisUrl: "redis://127.0.0.1:1",
  mongodbUri: "mongodb://127.0.0.1:2/veil",
  xray: { apiPort: 3, realityPort: 4, realityPublicKey: "public" },
};

const files = { apiKeyFile: "/data/api-key", webhookKeyFile: "/data/webhook-key" };

function environmentOf(service: ServiceName, env: NodeJS.ProcessEnv, where = addresses) {
  const settings = readSettings(stackSettings, { program: "npm start", env });
  return serviceEnvironment(service, { env, settings, addresses: where, metricsPort: 5, ...files });
}

test("every service learns where the engines are, whatever the user's environment says of files", () => {
  const environment = environmentOf("xray-worker", { LOG_LEVEL: "debug", REALITY_PUBLIC_KEY_FILE: "" });
  expect(environment).toMatchObject({
    REDIS_URL: "redis://127.0.0.1:1",
    MONGODB_URI: "mongodb://127.0.0.1:2/veil",
    XRAY_API_PORT: "3",
    REALITY_PORT: "4",
    REALITY_PUBLIC_KEY: "public",
    METRICS_PORT: "5",
    METRICS_HOST: "127.0.0.1",
    NODE_ENV: "production",
    LOG_LEVEL: "debug",
  });
  expect(environment).not.toHaveProperty("REALITY_PUBLIC_KEY_FILE");
});

test("METRICS_HOST is the user's own, also when a file holds it", () => {
  expect(environmentOf("api", { METRICS_HOST: "0.0.0.0" })).toMatchObject({ METRICS_HOST: "0.0.0.0" });
  const environment = environmentOf("api", { METRICS_HOST_FILE: "" });
  expect(environment).toMatchObject({ METRICS_HOST: "127.0.0.1" });
  expect(environment).not.toHaveProperty("METRICS_HOST_FILE");
});

test("only the API is given the key of the API, from its file when none is set", () => {
  expect(environmentOf("api", {})).toMatchObject({ API_SECRET_KEY_FILE: "/data/api-key", API_PORT: "8000" });
  const withKey = { API_SECRET_KEY: "a".repeat(40) };
  expect(environmentOf("api", withKey)).toMatchObject(withKey);
  expect(environmentOf("api", withKey)).not.toHaveProperty("API_SECRET_KEY_FILE");
  expect(environmentOf("stats-collector", withKey)).not.toHaveProperty("API_SECRET_KEY");
});

test("the API and the worker are given the key of webhooks, the user's own or the one that is kept", () => {
  for (const service of ["api", "xray-worker"] as const) {
    expect(environmentOf(service, {})).toMatchObject({ WEBHOOK_SECRET_KEY_FILE: "/data/webhook-key" });
    const own = environmentOf(service, { WEBHOOK_SECRET_KEY: "own" });
    expect([own["WEBHOOK_SECRET_KEY"], own["WEBHOOK_SECRET_KEY_FILE"]]).toEqual(["own", undefined]);
    expect(environmentOf(service, { WEBHOOK_SECRET_KEY_FILE: "/own" })).toMatchObject({
      WEBHOOK_SECRET_KEY_FILE: "/own",
    });
  }
  const collector = environmentOf("stats-collector", { WEBHOOK_SECRET_KEY: "own", WEBHOOK_SECRET_KEY_FILE: "/own" });
  expect(Object.keys(collector).filter((name) => name.startsWith("WEBHOOK_SECRET_KEY"))).toEqual([]);
});

test("no service is given the private key", () => {
  const env = { REALITY_PRIVATE_KEY: "A".repeat(43) };
  expect(environmentOf("xray-worker", env)).not.toHaveProperty("REALITY_PRIVATE_KEY");
});

test("nodes of the user's own are left as the user set them", () => {
  const env = { XRAY_API_HOST: "10.0.0.5", XRAY_API_PORT: "10085", DOMAIN: "vpn.example.com" };
  const environment = serviceEnvironment("api", {
    env,
    settings: readSettings(stackSettings, { program: "npm start", env }),
    addresses: { redisUrl: "r", mongodbUri: "m" },
    metricsPort: 5,
    ...files,
  });
  expect(environment).toMatchObject(env);
});
