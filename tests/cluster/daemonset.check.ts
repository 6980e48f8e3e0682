import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { findXray } from "@veil/engines";
import { CertificateAuthority } from "@veil/test-support";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ApiClient } from "../support/api-client.ts";
import { startVpnClient } from "../support/vpn-client.ts";
import { Namespace, runTool } from "./kubectl.ts";
import { Release } from "./release.ts";
import { Visitor } from "./visitor.ts";

const SERVER_NAME = "microsoft.com";
const LABEL = "veil/xray";
const MEGABYTE = 1_000_000;
const BYTES = 5 * MEGABYTE;
/** What a download takes beside its body: the handshakes and the answer's head. */
const FRAME_BYTES = 100_000;
const DELETE_SECONDS = 20;

const machines = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.object({ addresses: z.array(z.object({ type: z.string(), address: z.string() })) }),
    }),
  ),
});
const nodes = z.object({
  nodes: z.array(z.looseObject({ name: z.string(), state: z.string(), address: z.string(), discovered: z.unknown() })),
});

const id = randomBytes(3).toString("hex");
const namespace = new Namespace(`veil-machines-${id}`);
const outside = new Namespace(`veil-machines-${id}-visitor`);
let release: Release;
let visitor: Visitor;
let xrayBinary: string;
let machine: { readonly name: string; readonly address: string };
let keyId: number;

beforeAll(async () => {
  if (process.env["KUBECONFIG"] === undefined) throw new Error("KUBECONFIG names no cluster");
  xrayBinary = await findXray({ progress: () => {} });
  const { items } = machines.parse(JSON.parse(await runTool("kubectl", ["get", "nodes", "--output", "json"])));
  const address = items[0]?.status.addresses.find(({ type }) => type === "InternalIP")?.address;
  if (items[0] === undefined || address === undefined) throw new Error("the cluster has no machine with an address");
  machine = { name: items[0].metadata.name, address };
  await runTool("kubectl", ["label", "node", machine.name, `${LABEL}-`]);
  for (const { name } of [outside, namespace]) await runTool("kubectl", ["create", "namespace", name]);
  // As docs say: pods in the network of their machine are refused otherwise.
  await namespace.run("label", "namespace", namespace.name, "pod-security.kubernetes.io/enforce=privileged");
  await namespace.apply(await certificates());
  visitor = await Visitor.create(outside);
  release = new Release(
    namespace,
    {
      DOMAIN: "127.0.0.1",
      REALITY_DEST: `${visitor.address}:9443`,
      XRAY_ALLOW_PRIVATE: "true",
      XRAY_DISCOVERY_HOST: "{address}",
      XRAY_DISCOVERY_DRAIN_SECONDS: "5",
      XRAY_DISCOVERY_DELETE_SECONDS: String(DELETE_SECONDS),
    },
    ["xray.enabled=false", "xray.daemonSet.enabled=true"],
  );
  await visitor.start(await release.imageOfApi(), SERVER_NAME);
  await release.install();
});

afterAll(async () => {
  if (process.env["CLUSTER_KEEP"] === "true") return;
  await runTool("helm", ["--namespace", namespace.name, "uninstall", "veil", "--ignore-not-found"]);
  await runTool("kubectl", ["delete", "namespace", namespace.name, outside.name, "--ignore-not-found"]);
  await label(false);
});

/** The two Secrets of mutual TLS: one for the machines, one for the services that call them. */
async function certificates(): Promise<object[]> {
  const ca = await CertificateAuthority.create();
  const named = { "veil-xray-tls": "xray-nodes", "veil-node-tls": "veil" };
  return Promise.all(
    Object.entries(named).map(async ([name, subject]) => {
      const { certificate, key } = await ca.issue(subject);
      const stringData = { "ca.crt": ca.certificate, "tls.crt": certificate, "tls.key": key };
      return { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData };
    }),
  );
}

const label = (isWanted: boolean) =>
  runTool("kubectl", ["label", "node", machine.name, isWanted ? `${LABEL}=true` : `${LABEL}-`, "--overwrite"]);

async function withApi<T>(use: (api: ApiClient, call: (method: string, path: string) => Promise<unknown>) => T) {
  const way = await namespace.forward("service/api", "http");
  const url = `http://127.0.0.1:${way.port}`;
  const apiKey = await release.secretOf("veil-api", "api-secret-key");
  const call = async (method: string, path: string) => {
    const answer = await fetch(`${url}/api${path}`, { method, headers: { authorization: `Bearer ${apiKey}` } });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  try {
    return await use(new ApiClient(url, apiKey), call);
  } finally {
    way.close();
  }
}

const nodesNow = () => withApi(async (_api, call) => nodes.parse(await call("GET", "/nodes")).nodes);

const statesOfDiscovered = async () => {
  const found = (await nodesNow()).filter(({ discovered }) => typeof discovered === "string");
  return Object.fromEntries(found.map(({ name, state }) => [name, state]));
};

const podNames = () => release.namesOf("pod", "app.kubernetes.io/name=xray-node");

/** What the key has been counted with after it downloaded through the machine. */
async function carry(): Promise<number> {
  const link = await withApi((api) => api.link(keyId));
  expect(link).toContain(`@${machine.address}:4443`);
  const client = await startVpnClient(xrayBinary, link);
  try {
    expect(await client.download(`http://${visitor.address}:8080/bytes/${BYTES}`)).toBe(BYTES);
  } finally {
    await client.stop();
  }
  return withApi(async (api) => {
    await api.sync();
    return (await api.traffic(keyId)).download;
  });
}

test("a machine that gets the label becomes a node, over mutual TLS", async () => {
  expect(await statesOfDiscovered()).toEqual({});
  await withApi((_api, call) => call("DELETE", "/nodes/main?force=true"));
  const began = performance.now();
  await label(true);
  await expect.poll(statesOfDiscovered).toEqual({ [machine.name]: "active" });
  process.stdout.write(`a node with its users ${Math.round(performance.now() - began)} ms after the label\n`);
  const [node] = await nodesNow();
  expect(node).toMatchObject({ address: `${machine.address}:10443`, discovered: `${namespace.name}/xray-nodes` });
});

test("a key's link leads to the machine, and what it carries is counted", async () => {
  keyId = await withApi(async (api) => (await api.create("client")).key_id);
  const counted = await carry();
  expect(counted).toBeGreaterThanOrEqual(BYTES);
  expect(counted).toBeLessThan(BYTES + FRAME_BYTES);
});

test("a killed pod comes back as the same node, with the key in it", async () => {
  const [before = ""] = await podNames();
  await namespace.run("delete", "pod", before, "--grace-period=0", "--force");
  await expect.poll(async () => (await podNames()).filter((name) => name !== before).length).toBe(1);
  await namespace.run("rollout", "status", "daemonset/xray-node", "--timeout=2m");
  await expect.poll(statesOfDiscovered).toEqual({ [machine.name]: "active" });
  await expect.poll(async () => carry().catch(() => 0)).toBeGreaterThanOrEqual(2 * BYTES);
});

test("when the only machine loses the label its node stays until somebody deletes it", async () => {
  await label(false);
  await expect.poll(podNames).toEqual([]);
  const said = async () => (await release.complaints()).map(({ msg }) => msg);
  await expect.poll(said).toContain("most nodes are away at once: none is drained or deleted");
  expect(Object.keys(await statesOfDiscovered())).toEqual([machine.name]);
  await withApi((_api, call) => call("DELETE", `/nodes/${machine.name}?force=true`));
  await expect.poll(statesOfDiscovered).toEqual({});
});

test("with the label again, once it was without it for long, the machine is a node again, and the key goes on", async () => {
  // Sooner, it could be a pod that is replaced, and a node that somebody deleted stays away.
  await delay((DELETE_SECONDS + 5) * 1_000);
  const before = await withApi(async (api) => (await api.traffic(keyId)).download);
  await label(true);
  await expect.poll(statesOfDiscovered).toEqual({ [machine.name]: "active" });
  const counted = await carry();
  expect(counted).toBeGreaterThanOrEqual(before + BYTES);
  expect(counted).toBeLessThan(before + BYTES + FRAME_BYTES);
});
