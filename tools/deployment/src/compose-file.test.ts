import { readFileSync } from "node:fs";
import { parseCommand } from "@veil/backup";
import { readSettings } from "@veil/runtime";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { handout, mongodbHandout } from "./handout.ts";
import { ensureSecrets } from "./secrets.ts";
import { deploymentSettings } from "./settings.ts";

const root = new URL("../../../", import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), "utf8");

const compose = z
  .object({
    services: z.record(
      z.string(),
      z.object({
        networks: z.array(z.string()).default([]),
        environment: z.record(z.string(), z.string()).default({}),
        profiles: z.array(z.string()).default([]),
        command: z.union([z.string(), z.array(z.string())]).optional(),
        labels: z.record(z.string(), z.string()).default({}),
        depends_on: z.record(z.string(), z.object({ restart: z.boolean().default(false) })).default({}),
        deploy: z.object({ resources: z.object({ limits: z.object({ memory: z.string() }) }) }),
      }),
    ),
    networks: z.record(
      z.string(),
      z.object({
        internal: z.boolean().optional(),
        ipam: z.object({ config: z.tuple([z.object({ subnet: z.string() })]) }).optional(),
      }),
    ),
  })
  .parse(parse(text("docker-compose.yml"), { merge: true }));

const MEBIBYTE = 1024 ** 2;

/** Bytes of `384mb`, `512M` and `512Mi`, which are powers of two to Redis, Docker and Kubernetes alike. */
function bytesOf(amount: string): number {
  const [, count, unit] = /^(\d+)(mb|gb|M|G|Mi|Gi)$/.exec(amount) ?? [];
  if (unit === undefined) throw new Error(`${amount} is no amount of memory`);
  return Number(count) * (unit.toLowerCase().startsWith("g") ? 1024 * MEBIBYTE : MEBIBYTE);
}

const { secrets } = await ensureSecrets({ place: "nowhere", read: async () => ({}), write: async () => {} }, {});

/** The files that a start with these settings gives out, after one without any. */
async function filesWith(env: Readonly<Record<string, string>>): Promise<ReturnType<typeof handout>> {
  const settings = readSettings(deploymentSettings, { program: "test", env });
  const store = { place: "nowhere", read: async () => secrets, write: async () => {} };
  return handout((await ensureSecrets(store, settings)).secrets, settings);
}

async function redisMaxMemory(): Promise<number> {
  const { redis } = await filesWith({});
  return bytesOf(/^maxmemory (.*)$/m.exec(redis["redis.conf"] ?? "")?.[1] ?? "none");
}

test("Redis refuses writes before its container is full, which would end it", async () => {
  const ownPart = 0.75;
  const { resources } = compose.services["redis"]?.deploy ?? {};
  expect(await redisMaxMemory()).toBeLessThanOrEqual(ownPart * bytesOf(resources?.limits.memory ?? "none"));

  const manifests = parseAllDocuments(text("k8s/components/redis/redis.yaml")).map((document) => document.toString());
  const limit = manifests.map((one) => /limits: \{ memory: (\w+) \}/.exec(one)?.[1]).find((one) => one !== undefined);
  expect(await redisMaxMemory()).toBeLessThanOrEqual(ownPart * bytesOf(limit ?? "none"));
});

/** One more value of each setting that a file is made of. */
const changes = {
  API_READONLY_KEY: "another-secret-that-may-only-read-0123",
  ADMIN_PASSWORD: "another-password",
  WEBHOOK_SECRET_KEY: "another-key-that-seals-secrets-of-webhooks",
  REALITY_SNI: "example.org",
  REALITY_SERVER_NAME: "example.org",
  REALITY_DEST: "example.org:443",
  REALITY_COMMON_SHORT_ID: "0123abcd",
  XRAY_INBOUND_TAG: "another-tag",
  XRAY_ALLOW_PRIVATE: "true",
  XRAY_BLOCKED: "203.0.113.7/32",
  XRAY_UDP: "open",
  REDIS_MAXMEMORY: "300mb",
};

/** A file is read at a start, and `up` starts anew only what depends on the setup in this way, or shows the change itself. */
test.each(Object.entries(changes))("whoever reads a file that %s changes starts anew with it", async (name, value) => {
  const [before, after] = [await filesWith({}), await filesWith({ [name]: value })];
  const affected = Object.keys(compose.services).filter(
    (service) =>
      JSON.stringify(Object.entries(before).find(([one]) => one === service)) !==
      JSON.stringify(Object.entries(after).find(([one]) => one === service)),
  );
  expect(affected.length).toBeGreaterThan(0);
  const missed = affected.filter((service) => {
    const { labels, depends_on } = compose.services[service] ?? {};
    const isShown = Object.values(labels ?? {}).some((label) => label.includes(`\${${name}:-`));
    return !isShown && !(depends_on?.["setup"]?.restart ?? false);
  });
  expect(missed).toEqual([]);
});

test("every setting that setup takes from .env is changed above, or a secret that it keeps", () => {
  const kept = ["API_SECRET_KEY", "REALITY_PRIVATE_KEY"];
  const passedOn = Object.keys(compose.services["setup"]?.environment ?? {});
  expect(passedOn.filter((name) => !kept.includes(name)).toSorted()).toEqual(Object.keys(changes).toSorted());
});

test("the API believes Caddy alone about the addresses of callers", () => {
  const { caddy, api } = compose.services;
  const shared = caddy?.networks.filter((network) => api?.networks.includes(network)) ?? [];
  expect(shared).toEqual(["proxy"]);
  const others = Object.keys(compose.services).filter((name) => compose.services[name]?.networks.includes("proxy"));
  expect(others.toSorted()).toEqual(["api", "caddy"]);
  const { internal, ipam } = compose.networks["proxy"] ?? {};
  expect(internal).toBe(true);
  expect(api?.environment["TRUST_PROXY"]).toBe(`\${TRUST_PROXY:-${ipam?.config[0].subnet}}`);
});

test("nobody but nginx, which asks for a certificate, leads from outside to the network of Xray's gRPC API", () => {
  const inNodes = Object.keys(compose.services).filter((name) => compose.services[name]?.networks.includes("nodes"));
  expect(inNodes.toSorted()).toEqual(["stats-collector", "xray", "xray-tls", "xray-worker"]);
  expect(compose.networks["nodes"]?.internal).toBe(true);
  expect(compose.services["xray-tls"]?.profiles).toEqual(["xray-tls"]);
});

test("Caddy logs no address of a request and no headers, which are secrets of subscriptions", () => {
  const [options = ""] = text("deploy/caddy/Caddyfile").split("\n}\n");
  expect(options).toMatch(/\n\tlog \{[^]*request>uri delete\n[^]*request>headers delete\n/);
});

test("a backup is made when it is asked for, by the standard output, as one who may write when it is taken back", async () => {
  const { profiles, command, environment, networks } = compose.services["backup"] ?? {};
  expect([profiles, networks]).toEqual([["backup"], ["data"]]);
  expect(parseCommand([command ?? []].flat())).toEqual({ action: "backup", to: "-", keep: null });
  const { MONGODB_ADDRESS } = readSettings(deploymentSettings, { program: "test", env: {} });
  const files = mongodbHandout(secrets, { MONGODB_ADDRESS }, "users");
  expect(Object.keys(files["xray-worker"]).map((name) => `/run/veil/${name}`)).toEqual([
    environment?.["MONGODB_URI_FILE"],
  ]);
});

test("the image of Xray is the same in every release of ours that pins the same Xray, so that an update leaves it running", () => {
  const [, stages = ""] = text("Dockerfile").split(/^FROM .* AS xray-build$/m);
  expect(stages).toContain("AS xray\n");
  expect(stages.match(/^ARG .*|\$\{.*|^COPY (?!--from=xray-build|libs\/testing\/engines\/xray).*/gm)).toBeNull();
});
