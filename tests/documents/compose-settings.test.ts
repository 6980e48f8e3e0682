import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { apiSettings } from "../../services/api/src/settings.ts";
import { collectorSettings } from "../../services/stats-collector/src/settings.ts";
import { workerSettings } from "../../services/xray-worker/src/settings.ts";
import { deploymentSettings } from "../../tools/deployment/src/settings.ts";
import { repoRoot } from "./tracked-files.ts";

const environment = z.record(z.string(), z.string()).default({});
const compose = z
  .object({ services: z.record(z.string(), z.object({ environment, ports: z.array(z.string()).default([]) })) })
  .parse(parse(await readFile(join(repoRoot, "docker-compose.yml"), "utf8"), { merge: true }));
const guide = await readFile(join(repoRoot, "docs/deployment.md"), "utf8");

/** The settings that the containers fix; `docs/deployment.md` names them. */
const fixed = [
  ...["API_HOST", "API_PORT", "METRICS_HOST", "METRICS_PORT", "SHUTDOWN_DEADLINE_MS"],
  ...["MONGODB_URI", "REDIS_URL", "XRAY_API_HOST", "XRAY_API_PORT", "REALITY_PUBLIC_KEY"],
  ...["XRAY_BINARY", "XRAY_CONFIG_PATH", "XRAY_CONFIG_NODE", "XRAY_TLS_DIR"],
  // Of Kubernetes.
  ...["SERVICE", "NODE", "HOST", "DRAIN_SECONDS", "DELETE_SECONDS"].map((name) => `XRAY_DISCOVERY_${name}`),
  ...["KUBERNETES_API_URL", "KUBERNETES_ACCOUNT_DIR"],
];

/** Whether what `.env` says of a variable comes to a service: in its environment, or by the file that the setup makes of it. */
function reaches(service: string, name: string): boolean {
  const own = compose.services[service]?.environment ?? {};
  const asks = (text: string | undefined) => text?.includes(`\${${name}`) === true;
  return asks(own[name]) || (`${name}_FILE` in own && asks(compose.services["setup"]?.environment[name]));
}

test.each([
  ["api", apiSettings],
  ["xray-worker", workerSettings],
  ["stats-collector", collectorSettings],
  ["setup", deploymentSettings],
] as const)("everything that %s reads can be set in .env, but for what containers fix", (service, schema) => {
  const ofPaths = /^VEIL_|_ADDRESS$|^XRAY_INBOUND_PORT$/;
  const names = Object.keys(schema.shape).filter((name) => !fixed.includes(name) && !ofPaths.test(name));
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !reaches(service, name))).toEqual([]);
});

test.each(["api", "xray-worker", "stats-collector"])("where %s sends traces can be set in .env", (service) => {
  const names = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER_ARG"];
  expect(names.filter((name) => !reaches(service, name) || !guide.includes(`\`${name}\``))).toEqual([]);
});

test("the guide names what can't be set in .env", () => {
  expect(fixed.filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
});

test("only the ports of VPN clients, of TLS and of mutual TLS are published on every address", () => {
  const open = Object.values(compose.services).flatMap(({ ports }) =>
    ports.filter((port) => !port.includes("127.0.0.1:")),
  );
  expect(open).toEqual([
    "${REALITY_PORT:-443}:4443",
    "${NODE_TLS_PORT:-10443}:10443",
    "80:80",
    "${TLS_PORT:-8443}:8443",
  ]);
});
