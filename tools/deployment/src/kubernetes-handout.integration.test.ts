import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readSettings } from "@veil/runtime";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { z } from "zod";
import { KubernetesApi } from "@veil/kubernetes";
import { KubernetesHandout } from "./kubernetes-handout.ts";
import { deploymentSettings } from "./settings.ts";

const secretBody = z.object({
  metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()) }),
  stringData: z.record(z.string(), z.string()),
});

/** The Secrets of the namespace, and the requests beside reading. */
const secrets = new Map<string, z.infer<typeof secretBody>>();
const patched: string[] = [];
/** The pods of this cluster: nothing of ours is Grafana here, and Xray is elsewhere. */
const workloads = ["deployments/api", "deployments/xray-worker", "deployments/stats-collector", "statefulsets/redis"];
/** Fails the next call to what begins with it. */
let broken: string | null = null;
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
    if (found === undefined) return { status: 404, body: {} };
    const data = Object.entries(found.stringData).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
    return { status: 200, body: { metadata: found.metadata, data: Object.fromEntries(data) } };
  }
  const secret = secretBody.parse(JSON.parse(Buffer.concat(chunks).toString()));
  secrets.set(secret.metadata.name, secret);
  return { status: 200, body: {} };
}

function handout(env: Record<string, string> = {}): KubernetesHandout {
  const MONGODB_ADDRESS = new URL(inject("mongodbUri")).host;
  return new KubernetesHandout(
    api,
    readSettings(deploymentSettings, { program: "setup", env: { MONGODB_ADDRESS, ...env } }),
  );
}

const contentOf = (name: string) => secrets.get(name)?.stringData ?? {};

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
  const kept = secrets.get("veil-secrets");
  const next = "the-key-that-replaces-a-leaked-one-012345";
  if (kept !== undefined) {
    secrets.set("veil-secrets", { ...kept, stringData: { ...kept.stringData, "api-secret-key": next } });
  }
  expect(await handout().prepare()).toEqual({ made: [], restarted: ["api"] });
  expect(contentOf("veil-api")["api-secret-key"]).toBe(next);
  expect(patched).toEqual(["deployments/api"]);
  expect(await handout().prepare()).toEqual({ made: [], restarted: [] });
});

test("secrets that are never made are handed out when an operator adds them, and kept when others change", async () => {
  await handout().prepare();
  const kept = secrets.get("veil-secrets");
  const added = { "api-readonly-key": "a-key-that-may-only-read-0123456789ab", "admin-password": "of-the-queues-page" };
  if (kept !== undefined) secrets.set("veil-secrets", { ...kept, stringData: { ...kept.stringData, ...added } });
  expect(await handout().prepare()).toEqual({ made: [], restarted: ["api", "stats-collector"] });
  expect(contentOf("veil-api")).toMatchObject({ "api-readonly-key": added["api-readonly-key"] });
  expect(contentOf("veil-stats-collector")).toMatchObject({ "admin-password": added["admin-password"] });
  await handout({ API_SECRET_KEY: "another-key-of-the-settings-0123456789ab" }).prepare();
  expect(contentOf("veil-secrets")).toMatchObject(added);
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
