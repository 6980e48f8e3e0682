import { randomBytes } from "node:crypto";
import { findXray, freePort } from "@veil/engines";
import { connectXrayNode } from "@veil/xray-grpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ApiClient } from "../support/api-client.ts";
import { findRealPrograms } from "../support/real-programs.ts";
import { startVpnClient } from "../support/vpn-client.ts";
import { Namespace, runTool } from "./kubectl.ts";
import { Release } from "./release.ts";
import { type LoadReport, Visitor } from "./visitor.ts";

const SERVER_NAME = "microsoft.com";
const MEGABYTE = 1_000_000;
/** Refused by the network, or by an API that is on its way out or can't reach its stores: a caller tries again. */
const TRY_AGAIN = ["503", "500", "ECONNREFUSED", "ECONNRESET", "UND_ERR_SOCKET", "ETIMEDOUT"];
const DEPLOYED = z.object({ status: z.object({ readyReplicas: z.number() }) });

const id = randomBytes(3).toString("hex");
const namespace = new Namespace(`veil-check-${id}`);
const outside = new Namespace(`veil-check-${id}-visitor`);
let release: Release;
let visitor: Visitor;
let realityPort: number;
let xrayBinary: string;
const answered: number[] = [];

beforeAll(async () => {
  if (process.env["KUBECONFIG"] === undefined) throw new Error("KUBECONFIG names no cluster");
  await runTool("kubectl", ["create", "namespace", outside.name]);
  await runTool("kubectl", ["create", "namespace", namespace.name]);
  // As docs say for Helm.
  await namespace.run("label", "namespace", namespace.name, "pod-security.kubernetes.io/enforce=restricted");
  xrayBinary = await findXray({ progress: () => {} });
  visitor = await Visitor.create(outside);
  realityPort = await freePort();
  await namespace.apply([wayOfXrayTo(outside)]);
  release = new Release(namespace, {
    DOMAIN: "127.0.0.1",
    REALITY_PORT: String(realityPort),
    REALITY_DEST: `${visitor.address}:9443`,
    XRAY_ALLOW_PRIVATE: "true",
    RATE_LIMIT_PER_SECOND: "0",
  });
  // Before Xray, which looks at the website when it starts, and goes on waiting for one that was not there.
  await visitor.start(await release.imageOfApi(), SERVER_NAME);
  await release.install();
});

afterAll(async () => {
  if (process.env["CLUSTER_KEEP"] === "true") return;
  await runTool("helm", ["--namespace", namespace.name, "uninstall", "veil", "--ignore-not-found"]);
  await runTool("kubectl", ["delete", "namespace", namespace.name, outside.name, "--ignore-not-found"]);
});

/** The policy of the chart lets Xray out to the Internet alone; the website of this check is inside. */
function wayOfXrayTo(other: Namespace): object {
  const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": other.name } };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "xray-to-visitor" },
    spec: {
      podSelector: { matchLabels: { "app.kubernetes.io/name": "xray" } },
      policyTypes: ["Egress"],
      egress: [{ to: [{ namespaceSelector }] }],
    },
  };
}

const apiKey = () => release.secretOf("veil-api", "api-secret-key");

async function withApi<T>(use: (api: ApiClient, url: string) => Promise<T>): Promise<T> {
  const way = await namespace.forward("service/api", "http");
  const url = `http://127.0.0.1:${way.port}`;
  try {
    return await use(new ApiClient(url, await apiKey()), url);
  } finally {
    way.close();
  }
}

interface Carried {
  readonly link: string;
  /** The bytes that the client received, and those that were counted of its key. */
  readonly bytes: number;
  readonly counted: number;
}

/**
 * The bytes that a new key carries through the pod of Xray, in the hands of a real client: Xray, unless another one is
 * named.
 */
async function carriedBytes(start = (link: string) => startVpnClient(xrayBinary, link)): Promise<Carried> {
  const way = await namespace.forward("service/xray", "vless", realityPort);
  try {
    return await withApi(async (api) => {
      const { key_id: keyId } = await api.create("client");
      const link = await api.link(keyId);
      const client = await start(link);
      try {
        const bytes = await client.download(`http://${visitor.address}:8080/bytes/${5 * MEGABYTE}`);
        await api.sync();
        return { link, bytes, counted: (await api.traffic(keyId)).download };
      } finally {
        await client.stop();
      }
    });
  } finally {
    way.close();
  }
}

async function usersOfXray(): Promise<number[]> {
  const way = await namespace.forward("service/xray-api", "grpc");
  const node = connectXrayNode({ name: "main", address: `127.0.0.1:${way.port}`, inboundTag: "vless-in" });
  try {
    return (await node.listUsers()).map(({ email }) => Number.parseInt(email, 10)).toSorted((a, b) => a - b);
  } finally {
    node.close();
    way.close();
  }
}

const listedKeys = () =>
  withApi(async (api) => (await api.list()).keys.map(({ key_id }) => key_id).toSorted((a, b) => a - b));

async function whileCalling(happens: () => Promise<unknown>): Promise<LoadReport> {
  const report = await visitor.whileCalling(release.url, await apiKey(), async () => void (await happens()));
  answered.push(...report.made);
  process.stdout.write(`${JSON.stringify(report.answers)}\n`);
  return report;
}

const xrayPods = () => release.namesOf("pod", "app.kubernetes.io/name=xray");
const xrayConfig = () => release.secretOf("veil-xray", "config.json");

const statusWith = (key: string) =>
  withApi(
    async (_api, url) => (await fetch(`${url}/api/keys`, { headers: { authorization: `Bearer ${key}` } })).status,
  );

const changeKey = (value: string) =>
  namespace.run(
    "patch",
    "secret",
    "veil-secrets",
    "--type=merge",
    "--patch",
    JSON.stringify({ stringData: { "api-secret-key": value } }),
  );

test("helm test passes", async () => {
  expect(await release.test()).toMatch(/Phase:\s+Succeeded/);
});

test("nobody complains after the first start", async () => {
  expect(await release.complaints()).toEqual([]);
});

test("a key carries bytes through the pod of Xray in every real client, and they are counted", async () => {
  const programs = (await findRealPrograms()).filter(({ leftOut }) => leftOut === null);
  for (const { name, start } of programs) {
    const { link, bytes, counted } = await carriedBytes(start);
    expect(link).toContain("fp=chrome");
    expect([name, bytes]).toEqual([name, 5 * MEGABYTE]);
    expect(counted).toBeGreaterThanOrEqual(5 * MEGABYTE);
  }
});

test("an upgrade applies a setting, a rollback takes it back, and neither refuses a call", async () => {
  const upgrade = await whileCalling(() => release.upgrade({ REALITY_FINGERPRINT: "firefox" }));
  expect(Object.keys(upgrade.answers)).toEqual(["200"]);
  expect((await carriedBytes()).link).toContain("fp=firefox");
  const rollback = await whileCalling(() => release.rollback());
  expect(Object.keys(rollback.answers)).toEqual(["200"]);
  expect((await carriedBytes()).link).toContain("fp=chrome");
});

test("a setting that is Xray's replaces its pod", async () => {
  const [pods, config] = await Promise.all([xrayPods(), xrayConfig()]);
  await release.upgrade({ XRAY_UDP: "open" });
  await expect.poll(xrayPods).not.toEqual(pods);
  expect(await xrayConfig()).not.toBe(config);
  await release.rolledOut();
  await release.rollback();
  await expect.poll(xrayConfig).toBe(config);
  await release.rolledOut();
  expect((await carriedBytes()).bytes).toBe(5 * MEGABYTE);
});

test("the API key is rotated without a refused call, and the old one ends", async () => {
  const [old, next] = [await apiKey(), randomBytes(24).toString("hex")];
  const both = await whileCalling(async () => {
    await changeKey(`${next},${old}`);
    await expect.poll(() => statusWith(next)).toBe(200);
    await release.rolledOut();
  });
  expect(Object.keys(both.answers)).toEqual(["200"]);
  await changeKey(next);
  await expect.poll(() => statusWith(old)).toBe(401);
  await release.rolledOut();
  expect(await statusWith(next)).toBe(200);
});

test("three workers and one again refuse nobody", async () => {
  const replicas = await namespace.run("get", "deployment/xray-worker", "--output", "jsonpath={.spec.replicas}");
  const report = await whileCalling(async () => {
    for (const count of ["3", "1", replicas]) {
      await namespace.run("scale", "deployment/xray-worker", `--replicas=${count}`);
      await release.rolledOut();
      const { status } = await namespace.read(DEPLOYED, "get", "deployment/xray-worker");
      expect(status.readyReplicas).toBe(Number(count));
    }
  });
  expect(Object.keys(report.answers)).toEqual(["200"]);
});

test.each(["api", "xray-worker", "stats-collector", "redis", "xray", "mongodb", "setup"])(
  "a killed pod of %s takes no key with it",
  async (name) => {
    const { answers } = await whileCalling(async () => {
      const [pod = ""] = await release.namesOf("pod", `app.kubernetes.io/name=${name}`);
      await namespace.run("delete", "pod", pod, "--grace-period=0", "--force");
      await release.rolledOut();
    });
    expect(Object.keys(answers).filter((outcome) => outcome !== "200" && !TRY_AGAIN.includes(outcome))).toEqual([]);
    const keys = await listedKeys();
    expect(keys).toEqual(expect.arrayContaining(answered));
    await expect.poll(usersOfXray).toEqual(keys);
  },
);

test("what is left when the release is uninstalled is what the documents say", async () => {
  await release.uninstall();
  await expect.poll(() => release.namesOf("pod")).toEqual([]);
  const left = { secrets: await release.namesOf("secret"), claims: await release.namesOf("persistentvolumeclaim") };
  expect(left).toEqual({
    secrets: ["api", "grafana", "mongodb", "redis", "secrets", "stats-collector", "xray", "xray-worker"].map(
      (of) => `veil-${of}`,
    ),
    claims: ["data-mongodb-0", "data-redis-0"],
  });
});

test("a release that is installed again goes on with the keys and links of before", async () => {
  await release.install();
  expect(await listedKeys()).toEqual(expect.arrayContaining(answered));
  expect((await carriedBytes()).bytes).toBe(5 * MEGABYTE);
});
