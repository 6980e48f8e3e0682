import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

// A container's own variable wins over veil-settings without a word, so that a setting there which has the same name does nothing.

/** What has to agree with something else of the manifests: ports, mounts, terminationGracePeriodSeconds. */
const FIXED = ["API_PORT", "METRICS_PORT", "NODE_ENV", "SHUTDOWN_DEADLINE_MS", "XRAY_TLS_DIR"];

const text = (path: string) => readFile(join(repoRoot, path), "utf8");
const yamls = trackedFiles(".").filter((path) => /^k8s\/.*\.yaml$/.test(path));
const container = z.object({
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }).optional() })).default([]),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
});
const workload = z.object({
  spec: z.object({ template: z.object({ spec: z.object({ containers: z.array(container) }) }) }),
});
const kustomization = z.object({
  configMapGenerator: z.array(z.object({ literals: z.array(z.string()).default([]) })).default([]),
  patches: z.array(z.object({ patch: z.string() })).default([]),
});
const step = z.object({ value: z.object({ name: z.string(), value: z.string() }) });

const containers = (await Promise.all(yamls.map(text)))
  .flatMap((content) => parseAllDocuments(content).map((document): unknown => document.toJS()))
  .flatMap((object) => workload.safeParse(object).data?.spec.template.spec.containers ?? [])
  .filter(({ envFrom }) => envFrom.some((source) => source.configMapRef?.name === "veil-settings"));
const kustomizations = await Promise.all(
  yamls
    .filter((path) => path.endsWith("/kustomization.yaml"))
    .map(async (path) => kustomization.parse(parse(await text(path)))),
);
const patched = kustomizations.flatMap(({ patches }) =>
  patches.flatMap(({ patch }) => z.array(z.unknown()).safeParse(parse(patch)).data ?? []),
);
const variables = [
  ...containers.flatMap(({ env }) => env.filter(({ value }) => value !== undefined)),
  ...patched.flatMap((one) => step.safeParse(one).data?.value ?? []),
].filter(({ name }) => /^[A-Z0-9_]+$/.test(name) && !name.endsWith("_FILE"));

test("the containers that read veil-settings say nothing themselves but what the manifests fix", () => {
  expect(containers.length).toBeGreaterThanOrEqual(3);
  expect([...new Set(variables.map(({ name }) => name))].toSorted()).toEqual(FIXED);
});

test("no ConfigMap of kustomize holds what the manifests fix", () => {
  const literals = kustomizations.flatMap(({ configMapGenerator }) =>
    configMapGenerator.flatMap((map) => map.literals),
  );
  expect(literals.length).toBeGreaterThan(10);
  expect(FIXED.filter((name) => literals.some((literal) => literal.startsWith(`${name}=`)))).toEqual([]);
});

test("the chart refuses each of them among its settings, and names them in the document", async () => {
  const [, list = ""] = /\$fixed := list (.*) -}}/.exec(await text("charts/veil/templates/_settings.tpl")) ?? [];
  expect(list.match(/[A-Z][A-Z0-9_]+/g)).toEqual(FIXED);
  const readme = await text("k8s/README.md");
  expect(FIXED.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});
