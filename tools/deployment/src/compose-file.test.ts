import { readFileSync } from "node:fs";
import { readSettings } from "@veil/runtime";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { handout } from "./handout.ts";
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

async function redisMaxMemory(): Promise<number> {
  const { secrets } = await ensureSecrets({ place: "nowhere", read: async () => ({}), write: async () => {} }, {});
  const { redis } = handout(secrets, readSettings(deploymentSettings, { program: "test", env: {} }));
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
