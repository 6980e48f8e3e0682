import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { readSettings } from "../../libs/platform/runtime/src/read-settings.ts";
import { settingMetadata } from "../../libs/platform/runtime/src/setting-metadata.ts";
import { apiSettings } from "../../services/api/src/settings.ts";
import { collectorSettings } from "../../services/stats-collector/src/settings.ts";
import { workerSettings } from "../../services/xray-worker/src/settings.ts";
import { deploymentSettings } from "../../tools/deployment/src/settings.ts";
import { serviceEnvironment } from "../../tools/local-stack/src/service-environment.ts";
import { stackSettings } from "../../tools/local-stack/src/settings.ts";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

const services = {
  api: secretsOf(apiSettings),
  "xray-worker": secretsOf(workerSettings),
  "stats-collector": secretsOf(collectorSettings),
};
const all = [
  ...new Set([...Object.values(services).flat(), ...secretsOf(deploymentSettings), ...secretsOf(stackSettings)]),
].toSorted();

/** Each secret that each service reads. */
const pairs = Object.entries(services).flatMap(([service, names]) => names.map((name) => [service, name] as const));

function secretsOf({ shape }: z.ZodObject): string[] {
  return Object.keys(shape).filter((name) => {
    const schema = shape[name];
    return schema !== undefined && settingMetadata(schema).secret;
  });
}

const text = (path: string) => readFile(join(repoRoot, path), "utf8");
const files = trackedFiles(".");
const textsOf = (pattern: RegExp) =>
  Promise.all(files.filter((path) => pattern.test(path)).map(async (path) => ({ path, content: await text(path) })));

test("there are secrets to look for", () => {
  expect(all).toEqual(
    expect.arrayContaining(["ADMIN_PASSWORD", "API_READONLY_KEY", "MONGODB_URI", "REALITY_PRIVATE_KEY"]),
  );
  expect(pairs.length).toBeGreaterThan(8);
});

const variable = z.object({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z.object({ secretKeyRef: z.object({ name: z.string() }).optional() }).optional(),
});
const workload = z.object({
  kind: z.enum(["Deployment", "StatefulSet"]),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    template: z.object({
      spec: z.object({ containers: z.array(z.object({ env: z.array(variable).default([]) })) }),
    }),
  }),
});
const generator = z.object({ literals: z.array(z.string()).default([]) });
const kustomization = z.object({
  configMapGenerator: z.array(generator).default([]),
  patches: z.array(z.object({ patch: z.string() })).default([]),
});
const step = z.object({ value: variable });

const manifests = (await textsOf(/^k8s\/.*\.yaml$/)).flatMap(({ content }) =>
  parseAllDocuments(content).map((document): unknown => document.toJS()),
);
const kustomizations = (await textsOf(/^k8s\/.*kustomization\.yaml$/)).map(({ content }) =>
  kustomization.parse(parse(content)),
);
/** Variables that components and overlays add. */
const added = kustomizations.flatMap(({ patches }) =>
  patches.flatMap(({ patch }) => {
    const steps = z.array(z.unknown()).safeParse(parse(patch));
    return (steps.data ?? []).flatMap((one) => step.safeParse(one).data?.value ?? []);
  }),
);

test("no ConfigMap of kustomize holds a secret", () => {
  const literals = kustomizations.flatMap(({ configMapGenerator }) =>
    configMapGenerator.flatMap((map) => map.literals),
  );
  expect(literals.length).toBeGreaterThan(10);
  expect(all.filter((name) => literals.some((literal) => literal.startsWith(`${name}=`)))).toEqual([]);
  const maps = manifests.filter((object) => z.object({ kind: z.literal("ConfigMap") }).safeParse(object).success);
  expect(all.filter((name) => JSON.stringify(maps).includes(name))).toEqual([]);
});

test.each(pairs)("on Kubernetes %s has %s of a Secret", (service, name) => {
  const found = manifests.flatMap((object) => workload.safeParse(object).data ?? []);
  const own = found.filter(({ metadata }) => metadata.name === service);
  const env = [
    ...own.flatMap(({ spec }) => spec.template.spec.containers.flatMap((container) => container.env)),
    ...added,
  ];
  const sources = env.filter((one) => one.name === name || one.name === `${name}_FILE`);
  expect(sources.length).toBeGreaterThan(0);
  for (const { value, valueFrom, name: from } of sources) {
    if (from === name) expect(valueFrom?.secretKeyRef?.name).toBe(`veil-${service}`);
    else expect(value).toMatch(/^\/run\/veil\//);
  }
});

test("the chart has no secret among its settings, and refuses each one there", async () => {
  for (const path of ["charts/veil/values.yaml", "charts/checks/everything.yaml"]) {
    const { settings } = z.object({ settings: z.record(z.string(), z.unknown()) }).parse(parse(await text(path)));
    expect(all.filter((name) => name in settings)).toEqual([]);
  }
  const [, list = ""] = /\$secrets := list (.*) -}}/.exec(await text("charts/veil/templates/_settings.tpl")) ?? [];
  expect(list.match(/[A-Z_]+/g)).toEqual(all);
});

const compose = z
  .object({
    services: z.record(z.string(), z.object({ environment: z.record(z.string(), z.string()).default({}) })),
  })
  .parse(parse(await text("docker-compose.yml"), { merge: true })).services;

test("no container of compose but the setup has a secret in its environment", () => {
  const holders = Object.entries(compose).flatMap(([service, { environment }]) =>
    service === "setup" ? [] : all.filter((name) => name in environment).map((name) => `${service}: ${name}`),
  );
  expect(holders).toEqual([]);
});

test.each(pairs)("in compose %s has %s in a file", (service, name) => {
  expect(compose[service]?.environment[`${name}_FILE`]).toContain("/run/veil/");
});

test.each(pairs)("under systemd %s has %s in a file that systemd hands it", async (service, name) => {
  const units = await textsOf(new RegExp(`^deploy/systemd/veil-${service}\\.service($|\\.d/)`));
  const [, file] = new RegExp(`^Environment=.*\\b${name}_FILE=%d/(\\S+)`, "m").exec(lines(units)) ?? [];
  expect(file).toBeDefined();
  expect(lines(units)).toMatch(new RegExp(`^LoadCredential=${file}:/etc/veil/secrets/`, "m"));
});

test.each(["api", "xray-worker", "stats-collector"] as const)("npm start gives %s its own secrets alone", (service) => {
  const set = (suffix: string) => Object.fromEntries(all.map((name) => [`${name}${suffix}`, "A".repeat(43)]));
  const settings = readSettings(stackSettings, { program: "npm start", env: {} });
  const addresses = { redisUrl: "redis://127.0.0.1:1", mongodbUri: "mongodb://127.0.0.1:2/veil" };
  const kept = { apiKeyFile: "/data/api-key", webhookKeyFile: "/data/webhook-key" };
  for (const env of [set(""), set("_FILE")]) {
    const given = Object.keys(serviceEnvironment(service, { env, settings, addresses, metricsPort: 5, ...kept }));
    const secrets = all.filter((name) => given.includes(name) || given.includes(`${name}_FILE`));
    expect(secrets).toEqual(services[service].toSorted());
  }
});

test("no file of systemd has a place for a secret's value", async () => {
  const units = lines(await textsOf(/^deploy\/systemd\//));
  expect(all.filter((name) => new RegExp(`\\b${name}=`).test(units))).toEqual([]);
});

function lines(texts: readonly { readonly content: string }[]): string {
  return texts.map(({ content }) => content).join("\n");
}
