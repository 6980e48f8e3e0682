import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readSettings } from "@veil/runtime";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { z } from "zod";
import { KubernetesApi } from "@veil/kubernetes";
import { KubernetesHandout } from "./kubernetes-handout.ts";
import { deploymentSettings } from "./settings.ts";

const texts = z.record(z.string(), z.string());
const secretBody = z.object({
  metadata: z.object({ name: z.string(), annotations: texts, labels: texts, resourceVersion: z.string().optional() }),
  data: texts,
});

/** The Secrets of the namespace, and the requests beside reading. */
const secrets = new Map<string, z.infer<typeof secretBody>>();
const patched: string[] = [];
/** The pods of this cluster: nothing of ours is Grafana here, and Xray is elsewhere. */
const workloads = ["deployments/api", "deployments/xray-worker", "deployments/stats-collector", "statefulsets/redis"];
/** Fails the next call to what begins with it. */
let broken: string | null = null;
/** Done before the next Secret is replaced, as by another one who is faster. */
let meanwhile: (() => void) | null = null;
let server: Server;
let api: KubernetesApi;

beforeAll(async () => {
  server = createServer((request, response) => {
    void answer(request).then(({ status, body }) => response.writeHead(status).end(JSON.stringify(body)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has an address of this kind
  const { port } = server.address() as AddressInfo;
  api = new KubernetesApi({ url: `http://127.0.0.1:${port}`, namespace: "veil", token: async () => "token" });
});
afterAll(() => server.close());
beforeEach(() => {
  secrets.clear();
  patched.length = 0;
});

async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  const [group = "", path = ""] = (request.url ?? "").slice(1).split("/namespaces/veil/");
  const call = `${request.method} ${path}`;
  const chunks: Uint8Array[] = await request.toArray();
  if (broken !== null && call.startsWith(broken)) {
    broken = null;
    return { status: 500, body: {} };
  }
  if (group === "apis/apps/v1") {
    if (!workloads.includes(path)) return { status: 404, body: {} };
    patched.push(path);
    return { status: 200, body: {} };
  }
  const name = path.replace(/^secrets\/?/, "");
  if (request.method === "GET") {
    const found = secrets.get(name);
    return found === undefined ? { status: 404, body: {} } : { status: 200, body: found };
  }
  const secret = secretBody.parse(JSON.parse(Buffer.concat(chunks).toString()));
  meanwhile?.();
  meanwhile = null;
  const { resourceVersion } = secrets.get(secret.metadata.name)?.metadata ?? {};
  if (secret.metadata.resourceVersion !== resourceVersion) return { status: 409, body: {} };
  put(secret);
  return { status: 200, body: {} };
}

let version = 0;
function put({ metadata, data }: z.infer<typeof secretBody>): void {
  version += 1;
  secrets.set(metadata.name, { metadata: { ...metadata, resourceVersion: String(version) }, data });
}

/** What an operator does. */
function edit(name: string, files: Readonly<Record<string, string>>): void {
  const kept = secrets.get(name);
  if (kept === undefined) throw new Error(`there is no Secret ${name}`);
  const added = Object.entries(files).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  put({ ...kept, data: { ...kept.data, ...Object.fromEntries(added) } });
}

function handout(env: Record<string, string> = {}): KubernetesHandout {
  const MONGODB_ADDRESS = new URL(inject("mongodbUri")).host;
  return new KubernetesHandout(
    api,
    readSettings(deploymentSettings, { program: "setup", env: { MONGODB_ADDRESS, ...env } }),
  );
}

function contentOf(name: string): Record<string, string> {
  const entries = Object.entries(secrets.get(name)?.data ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

test("the first pass makes all Secrets and replaces nobody, the second changes nothing", async () => {
  const first = await handout().prepare();
  expect(first).toMatchObject({ made: expect.arrayContaining(["api-secret-key"]), restarted: [] });
  const made = new Map(secrets);
  expect(contentOf("veil-api")).toMatchObject({ "api-secret-key": contentOf("veil-secrets")["api-secret-key"] });
  expect(contentOf("veil-xray-worker")["mongodb-uri"]).toContain("mongodb://");
  expect(await handout().prepare()).toEqual({ made: [], restarted: [] });
  expect([...secrets]).toEqual([...made]);
  expect(patched).toEqual([]);
});

test("a secret that an operator replaces is handed out, and those who mount it are replaced", async () => {
  await handout().prepare();
  const next = "the-key-that-replaces-a-leaked-one-012345";
  edit("veil-secrets", { "api-secret-key": next });
  expect(await handout().prepare()).toEqual({ made: [], restarted: ["api"] });
  expect(contentOf("veil-api")["api-secret-key"]).toBe(next);
  expect(patched).toEqual(["deployments/api"]);
  expect(await handout().prepare()).toEqual({ made: [], restarted: [] });
});

test("secrets that are never made are handed out when an operator adds them, and kept when others change", async () => {
  await handout().prepare();
  const added = { "api-readonly-key": "a-key-that-may-only-read-0123456789ab", "admin-password": "of-the-queues-page" };
  edit("veil-secrets", added);
  expect(await handout().prepare()).toEqual({ made: [], restarted: ["api", "stats-collector"] });
  expect(contentOf("veil-api")).toMatchObject({ "api-readonly-key": added["api-readonly-key"] });
  expect(contentOf("veil-stats-collector")).toMatchObject({ "admin-password": added["admin-password"] });
  await handout({ API_SECRET_KEY: "another-key-of-the-settings-0123456789ab" }).prepare();
  expect(contentOf("veil-secrets")).toMatchObject(added);
});

test("what others keep in a Secret, and what they change in it meanwhile, stays", async () => {
  const metadata = {
    name: "veil-secrets",
    annotations: { "helm.sh/resource-policy": "keep" },
    labels: { "app.kubernetes.io/managed-by": "Helm", team: "vpn" },
  };
  const own = { "of-another-program": "/wAA", "api-secret-key": Buffer.from("a-key-of-before").toString("base64") };
  put({ metadata, data: own });
  meanwhile = () => edit("veil-secrets", { "api-secret-key": "a-key-of-this-moment" });
  expect((await handout().prepare()).made).toContain("reality-private-key");
  expect(secrets.get("veil-secrets")).toMatchObject({ metadata, data: { "of-another-program": "/wAA" } });
  expect(contentOf("veil-secrets")).toMatchObject({
    "api-secret-key": "a-key-of-this-moment",
    "reality-private-key": expect.any(String),
  });
  await handout().prepare();
  const made = secrets.get("veil-api");
  if (made !== undefined) put({ ...made, metadata: { ...made.metadata, labels: { team: "vpn" } } });
  const API_SECRET_KEY = "another-key-of-the-settings-0123456789ab";
  expect((await handout({ API_SECRET_KEY }).prepare()).restarted).toEqual(["api"]);
  expect(secrets.get("veil-api")?.metadata).toMatchObject({ annotations: {}, labels: { team: "vpn" } });
});

test("a setting reaches the config of an engine, which nothing of ours runs", async () => {
  await handout().prepare();
  expect((await handout({ REALITY_DEST: "example.com:443" }).prepare()).restarted).toEqual([]);
  expect(contentOf("veil-xray")["config.json"]).toContain("example.com:443");
  expect(patched).toEqual([]);
});

test("each Xray whose config is another one is replaced: the one of the cluster, and those of its machines", async () => {
  await handout().prepare();
  workloads.push("daemonsets/xray-node");
  expect((await handout({ REALITY_DEST: "example.com:443" }).prepare()).restarted).toEqual(["xray"]);
  workloads.push("deployments/xray");
  expect((await handout({ REALITY_DEST: "example.org:443" }).prepare()).restarted).toEqual(["xray"]);
  expect(patched).toEqual(["daemonsets/xray-node", "deployments/xray", "daemonsets/xray-node"]);
  workloads.splice(-2);
});

test.each(["PATCH deployments/api", "PUT secrets/veil-api", "PUT secrets/veil-secrets"])(
  "what ends at %s is carried on",
  async (call) => {
    await handout().prepare();
    const API_SECRET_KEY = "another-key-of-the-settings-0123456789ab";
    broken = call;
    await expect(handout({ API_SECRET_KEY }).prepare()).rejects.toThrow(/500/);
    expect((await handout({ API_SECRET_KEY }).prepare()).restarted).toEqual(["api"]);
    expect(contentOf("veil-api")["api-secret-key"]).toBe(API_SECRET_KEY);
    expect(secrets.get("veil-api")?.metadata.annotations).toEqual({});
  },
);
