import { readFileSync } from "node:fs";
import { parseCommand } from "@veil/backup";
import { readSettings } from "@veil/runtime";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { consumers, handout } from "./handout.ts";
import { mongodbRoles } from "./mongodb-users.ts";
import { ensureSecrets } from "./secrets.ts";
import { deploymentSettings } from "./settings.ts";

const k8s = new URL("../../../k8s/", import.meta.url);

const deployment = z.object({
  kind: z.literal("Deployment"),
  spec: z.object({
    template: z.object({
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        containers: z.array(
          z.object({
            env: z.array(z.object({ name: z.string(), value: z.string().optional() })),
            lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }).optional(),
          }),
        ),
        volumes: z.array(
          z.object({
            secret: z.object({ secretName: z.string(), optional: z.boolean().default(false) }).optional(),
          }),
        ),
      }),
    }),
  }),
});

function podOf(service: string) {
  const documents = parseAllDocuments(readFileSync(new URL(`base/${service}.yaml`, k8s), "utf8"));
  const found = documents.map((document) => deployment.safeParse(document.toJS())).find(({ success }) => success);
  if (found?.data === undefined) throw new Error(`no Deployment in ${service}.yaml`);
  return found.data.spec.template.spec;
}

test.each(["api", "xray-worker", "stats-collector"])("%s is given the time to stop that it takes", (service) => {
  const { terminationGracePeriodSeconds, containers } = podOf(service);
  const deadlineMs = containers[0]?.env.find(({ name }) => name === "SHUTDOWN_DEADLINE_MS")?.value;
  const preStopS = containers[0]?.lifecycle?.preStop.sleep.seconds ?? 0;
  expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(preStopS + Number(deadlineMs) / 1_000 + 3);
});

test.each(["api", "xray-worker", "stats-collector"])("%s mounts the Secret that the setup makes for it", (service) => {
  const secrets = podOf(service).volumes.flatMap(({ secret }) =>
    secret === undefined || secret.optional ? [] : [secret.secretName],
  );
  expect(secrets).toEqual([`veil-${service}`]);
  expect(consumers).toContain(service);
});

const component = z.object({
  patches: z.array(
    z.object({ target: z.object({ kind: z.literal("Deployment"), name: z.string() }), patch: z.string() }),
  ),
});
const steps = z.array(
  z.object({ op: z.literal("add"), path: z.string(), value: z.object({ name: z.string(), value: z.string() }) }),
);

test("the component that makes secrets names files to those alone that get them", async () => {
  const text = readFileSync(new URL("components/generated-secrets/kustomization.yaml", k8s), "utf8");
  const { patches } = component.parse(parse(text));
  const { secrets } = await ensureSecrets({ place: "nowhere", read: async () => ({}), write: async () => {} }, {});
  const files = handout(secrets, readSettings(deploymentSettings, { program: "test", env: {} }));
  const services = ["api", "xray-worker", "stats-collector"] as const;
  const given = patches.flatMap(({ target, patch }) =>
    services
      .filter((service) => new RegExp(target.name).test(service))
      .flatMap((service) => steps.parse(parse(patch)).map(({ path, value }) => ({ service, path, ...value }))),
  );
  expect(given.map(({ service, name }) => [service, name])).toEqual([
    ["api", "WEBHOOK_SECRET_KEY_FILE"],
    ["xray-worker", "WEBHOOK_SECRET_KEY_FILE"],
  ]);
  for (const { service, path, value } of given) {
    expect(path).toBe("/spec/template/spec/containers/0/env/-");
    expect(Object.keys(files[service]).map((file) => `/run/veil/${file}`)).toContain(value);
  }
});

const policy = z.object({
  metadata: z.object({ name: z.literal("nodes") }),
  spec: z.object({ egress: z.array(z.object({ ports: z.array(z.object({ port: z.number() })) })) }),
});

test("workers and collectors are let out to the ports on which documents put nodes", () => {
  const policies = parseAllDocuments(readFileSync(new URL("base/network-policies.yaml", k8s), "utf8"));
  const found = policies.map((document) => policy.safeParse(document.toJS())).find(({ success }) => success);
  const open = found?.data?.spec.egress.flatMap(({ ports }) => ports.map(({ port }) => port)) ?? [];
  const documented = readFileSync(new URL("../docs/deployment.md", k8s), "utf8").matchAll(
    /"address":"[^"]*?(?<!127\.0\.0\.1):(\d+)"/g,
  );
  const ports = new Set([...documented].map(([, port]) => Number(port)));
  expect([...ports].toSorted((a, b) => a - b)).toEqual([10_085, 10_443]);
  expect(open).toEqual(expect.arrayContaining([...ports]));
});

test("subscriptions of the trial name the port on which the nodes take calls of the API", () => {
  const text = readFileSync(new URL("overlays/local/kustomization.yaml", k8s), "utf8");
  const url = /SUBSCRIPTION_URL=(\S+)/.exec(text)?.[1] ?? "";
  const [nodePort] = /(?<=ports\/0\/nodePort, value: )\d+/.exec(text) ?? [];
  expect(new URL(url).port).toBe(nodePort);
});

const cronJob = z.object({
  kind: z.literal("CronJob"),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    suspend: z.boolean().default(false),
    jobTemplate: z.object({
      spec: z.object({
        template: z.object({
          spec: z.object({
            containers: z.tuple([z.object({ args: z.array(z.string()) })]),
            volumes: z.array(
              z.object({
                secret: z
                  .object({ secretName: z.string(), items: z.array(z.object({ key: z.string() })).default([]) })
                  .optional(),
              }),
            ),
          }),
        }),
      }),
    }),
  }),
});

test("a backup reads by whom may only read, a restore runs when it is asked for and writes by whom may write", () => {
  const documents = parseAllDocuments(readFileSync(new URL("components/backup/backup.yaml", k8s), "utf8"));
  const found = documents.flatMap((document) => cronJob.safeParse(document.toJS()).data ?? []);
  const facts = found.map(({ metadata, spec }) => {
    const { containers, volumes } = spec.jobTemplate.spec.template.spec;
    const address = volumes.find(({ secret }) => secret?.items.some(({ key }) => key === "mongodb-uri"));
    return { name: metadata.name, suspend: spec.suspend, from: address?.secret?.secretName, args: containers[0].args };
  });
  expect(facts).toEqual([
    { name: "backup", suspend: false, from: "veil-api", args: ["backup", "--to", "/backups/", "--keep", "14"] },
    { name: "restore", suspend: true, from: "veil-xray-worker", args: ["restore", "/backups/", "--replace"] },
  ]);
  for (const { args } of facts) expect(parseCommand(args)).not.toBeNull();
  expect(mongodbRoles).toMatchObject({ api: "read", "xray-worker": "readWrite" });
});

test("the front of mutual TLS is the same file on Kubernetes and in compose, and leads to Xray alone", () => {
  const read = (path: string) => readFileSync(new URL(path, k8s), "utf8");
  expect(read("components/xray-tls/nginx.conf")).toMatch(/ssl_verify_client on;[\s\S]*ssl_protocols TLSv1\.3;/);
  expect(read("components/xray-tls/upstream.conf")).toContain('map "" $xray { default 127.0.0.1:10085; }');
  expect(read("../deploy/xray-tls/upstream.conf")).toContain('map "" $xray { default xray:10085; }');
  expect(read("../docker-compose.yml")).toContain("./k8s/components/xray-tls/nginx.conf:/etc/nginx/nginx.conf:ro");
});

test("the front of an Xray on a machine is that of an Xray in a pod", () => {
  for (const file of ["nginx.conf", "upstream.conf"]) {
    const [one, other] = ["xray-tls", "xray-daemonset"].map((folder) =>
      readFileSync(new URL(`components/${folder}/${file}`, k8s), "utf8"),
    );
    expect(other).toBe(one);
  }
});

test("an Xray on a machine listens where its front, its clients and its template say", async () => {
  const { secrets } = await ensureSecrets({ place: "nowhere", read: async () => ({}), write: async () => {} }, {});
  const { xray: files } = handout(secrets, readSettings(deploymentSettings, { program: "test", env: {} }));
  const { api, inbounds } = z
    .object({ api: z.object({ listen: z.string() }), inbounds: z.tuple([z.object({ port: z.number() })]) })
    .parse(JSON.parse(files["host-network.json"] ?? ""));
  const settings = readFileSync(new URL("components/xray-daemonset/kustomization.yaml", k8s), "utf8");
  expect(settings).toContain(`XRAY_DISCOVERY_NODE={"port":${inbounds[0].port},`);
  const daemonSet = readFileSync(new URL("components/xray-daemonset/xray-daemonset.yaml", k8s), "utf8");
  expect(daemonSet).toContain(`containerPort: ${inbounds[0].port} }`);
  expect(daemonSet).toContain("/etc/xray/host-network.json");
  expect(readFileSync(new URL("components/xray-daemonset/upstream.conf", k8s), "utf8")).toContain(api.listen);
});
