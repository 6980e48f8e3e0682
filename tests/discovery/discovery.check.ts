import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Closers, prepareMongodb, prepareRedis, resolveEngines, startTestbed, type Testbed } from "@veil/engines";
import { writePrivateFile } from "@veil/runtime";
import { CertificateAuthority, startTlsFront, type TlsFront } from "@veil/test-support";
import { connectXrayNode, type XrayNode } from "@veil/xray-grpc";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { Namespace, runTool } from "../cluster/kubectl.ts";
import { apiCalls } from "../support/api-calls.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { startVpnClient } from "../support/vpn-client.ts";
import { type ControlPlane, findPrograms, machineAddress, startControlPlane } from "./control-plane.ts";
import { Pods } from "./pods.ts";

const MEGABYTE = 1_000_000;
const KEYS = 20;
/** Far below what is the default, and above what a pod takes here that is replaced. */
const DRAIN_SECONDS = 5;
const DELETE_SECONDS = 6;
/** Longer than either, with the pause between two looks. */
const LONG_MS = 20_000;
const MACHINES = ["worker-1", "worker-2", "worker-3.example.com"] as const;
type Machine = (typeof MACHINES)[number];
/** The name of the third has no place in that of a node. */
const NAMES = { "worker-1": "worker-1", "worker-2": "worker-2", "worker-3.example.com": "worker-3-example-com-50719a" };
const k8s = new URL("../../k8s/", import.meta.url);

const nodeSchema = z.looseObject({
  ...{ name: z.string(), state: z.string(), address: z.string(), host: z.string().nullable() },
  ...{ discovered: z.string().nullable(), created_at: z.number() },
});
const nodesSchema = z.object({ nodes: z.array(nodeSchema) });
const linksSchema = z.object({ links: z.array(z.object({ node: z.string(), link: z.string() })) });
const trafficSchema = z.looseObject({ total: z.number() });
const eventsSchema = z.object({
  events: z.array(z.looseObject({ actor: z.looseObject({ name: z.string() }) })),
});

const programs = findPrograms();
const address = machineAddress();
const missing = "etcd" in programs ? [] : programs;
const leftOut =
  missing.length > 0
    ? `no ${missing.join(", no ")}: put them on PATH, or into the folder KUBERNETES_BIN`
    : address === null && "this machine has no address but its loopback's";
if (leftOut !== false) process.stdout.write(`left out: nodes of a real Kubernetes (${leftOut})\n`);

describe.skipIf(leftOut !== false)("nodes of a real Kubernetes", () => {
  const closers = new Closers();
  const namespace = new Namespace("veil");
  const apiKey = randomBytes(16).toString("hex");
  let pods: Pods;
  let cluster: ControlPlane;
  let testbed: Testbed;
  let bytes: ByteServer;
  let binary: string;
  let token: string;
  let keyIds: number[];
  const fronts = new Map<Machine, TlsFront>();
  const xrays = new Map<string, XrayNode>();
  const { call, done } = apiCalls(() => ({ apiUrl: testbed.apiUrl, apiKey }));

  const nodes = async () => nodesSchema.parse(await done("GET", "/nodes")).nodes;
  const nodeOf = async (machine: Machine) => (await nodes()).find(({ name }) => name === NAMES[machine]);
  const stateOf = async (machine: Machine) => (await nodeOf(machine))?.state ?? "none";
  const states = async () =>
    Object.fromEntries(await Promise.all(MACHINES.map(async (one) => [one, await stateOf(one)])));
  const linksOf = async (keyId: number) => linksSchema.parse(await done("GET", `/keys/${keyId}/links`)).links;
  const total = async (keyId: number) => trafficSchema.parse(await done("GET", `/keys/${keyId}/traffic`)).total;
  const xrayOf = (machine: Machine) => {
    const xray = xrays.get(machine);
    if (xray === undefined) throw new Error(`there is no Xray on ${machine}`);
    return xray;
  };
  const processOf = (machine: Machine) => testbed.nodes[1 + MACHINES.indexOf(machine)]?.process;
  const podOf = (machine: Machine, generation = 1) => `xray-node-${MACHINES.indexOf(machine) + 1}-${generation}`;

  const startPod = async (machine: Machine, generation = 1) => {
    const port = Number(fronts.get(machine)?.address.split(":")[1]);
    await pods.start(podOf(machine, generation), machine, port);
  };

  beforeAll(async () => {
    if (!("etcd" in programs) || address === null) return;
    const dir = await mkdtemp(join(tmpdir(), "veil-discovery-"));
    closers.add(() => rm(dir, { recursive: true, force: true }));
    cluster = await startControlPlane(programs, join(dir, "kubernetes"), address);
    closers.add(() => cluster.stop());
    vi.stubEnv("KUBECONFIG", cluster.kubeconfig);
    await runTool("kubectl", ["create", "namespace", namespace.name]);
    await namespace.apply(await manifests("components/xray-daemonset/xray-daemonset.yaml"));
    await namespace.apply(await manifests("base/xray-worker.yaml", "ServiceAccount"));
    token = await namespace.run("create", "token", "xray-worker", "--duration=1h");
    const account = join(dir, "account");
    await mkdir(account);
    await writePrivateFile(join(account, "token"), token);
    await writePrivateFile(join(account, "namespace"), namespace.name);
    await writePrivateFile(join(account, "ca.crt"), await readFile(cluster.caFile, "utf8"));

    const engines = await resolveEngines(() => undefined);
    binary = engines.xray;
    const [redis, mongodb] = [
      await prepareRedis(engines.redis, { dir }),
      await prepareMongodb(engines.mongodb, { dir }),
    ];
    closers.add(() => Promise.all([redis.process.stop(5_000), mongodb.process.stop(5_000)]));
    await Promise.all([redis.process.start(), mongodb.process.start()]);
    const ca = await CertificateAuthority.create();
    const tlsFolder = join(dir, "tls");
    await ca.writeTo(tlsFolder, await ca.issue("control plane"));
    testbed = await startTestbed({
      ...{ dir, apiKey, xrayBinary: binary, redisUrl: redis.url, mongodbUri: mongodb.url },
      nodes: ["main", ...MACHINES],
      services: { "xray-worker": 2 },
      // The Xrays on the machines are named to nobody.
      addressesFor: async (_service, direct) => ({ ...direct, nodes: direct.nodes.slice(0, 1) }),
      env: () => ({
        // Bytes are read when somebody asks for it, and a last time.
        ...{ XRAY_TLS_DIR: tlsFolder, TRAFFIC_SYNC_INTERVAL_SECONDS: "3600" },
        ...{ KUBERNETES_API_URL: cluster.url, KUBERNETES_ACCOUNT_DIR: account },
        XRAY_DISCOVERY_SERVICE: "xray-nodes",
        XRAY_DISCOVERY_NODE: JSON.stringify({ tls: { server_name: "xray-nodes" }, note: "of Kubernetes" }),
        XRAY_DISCOVERY_HOST: "{node}.vpn.example.com",
        XRAY_DISCOVERY_DRAIN_SECONDS: String(DRAIN_SECONDS),
        XRAY_DISCOVERY_DELETE_SECONDS: String(DELETE_SECONDS),
      }),
    });
    closers.add(() => testbed.stop());
    bytes = await startByteServer();
    closers.add(() => bytes.stop());
    const certificate = await ca.issue("xray-nodes");
    for (const [index, machine] of MACHINES.entries()) {
      const target = testbed.nodes[index + 1]?.api ?? "";
      const front = await startTlsFront({ ...certificate, ca: ca.certificate, target, listen: address });
      closers.add(() => front.stop());
      fronts.set(machine, front);
      const xray = connectXrayNode({ name: machine, address: target, inboundTag: "vless-in" });
      closers.add(() => xray.close());
      xrays.set(machine, xray);
    }
    pods = new Pods(namespace, address);
    const isMade = async () => expect((await call("POST", "/keys", {})).status).toBe(200);
    await vi.waitFor(isMade, { timeout: 60_000, interval: 500 });
    const made = Array.from({ length: KEYS - 1 }, async () =>
      z.looseObject({ key_id: z.number() }).parse(await done("POST", "/keys", {})),
    );
    await Promise.all(made);
    const keySchema = z.object({ keys: z.array(z.looseObject({ key_id: z.number() })) });
    keyIds = keySchema.parse(await done("GET", "/keys")).keys.map(({ key_id }) => key_id);
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await closers.close();
  });

  /** The bytes of a key that the Xrays on the machines have counted in their lives. */
  async function counted(keyId: number): Promise<number> {
    const names = ["uplink", "downlink"].map((link) => `user>>>${keyId}@veil>>>traffic>>>${link}`);
    const values = await Promise.all(
      [...xrays.values()].flatMap((xray) => names.map((name) => xray.readCounter(name))),
    );
    return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  }

  async function move(keyId: number, machine: Machine, megabytes: number): Promise<void> {
    const link = (await linksOf(keyId)).find(({ node }) => node === NAMES[machine])?.link ?? "";
    const client = await startVpnClient(binary, link);
    try {
      expect(await client.download(bytes.downloadUrl(megabytes * MEGABYTE))).toBe(megabytes * MEGABYTE);
    } finally {
      await client.stop();
    }
  }

  /** What the workers' metrics say of the brake, the lower one first. */
  async function brakes(): Promise<number[]> {
    const workers = testbed.services["xray-worker"] ?? [];
    const pages = await Promise.all(workers.map(async ({ opsUrl }) => (await fetch(`${opsUrl}/metrics`)).text()));
    return pages.map((page) => Number(/^veil_discovery_brake (\d+)$/m.exec(page)?.[1])).toSorted();
  }

  const firstKey = () => keyIds[0] ?? 0;

  test("the account of the worker may read EndpointSlices of its namespace, and nothing else", async () => {
    const ask = async (path: string, init: { method?: string; body?: string } = {}) => {
      const args = ["--kubeconfig", "/dev/null", "--server", cluster.url, "--certificate-authority", cluster.caFile];
      const verb = init.method === undefined ? ["get", "--raw", path] : ["delete", "--raw", path];
      return runTool("kubectl", [...args, "--token", token, ...verb]).then(
        () => "allowed",
        (error: unknown) => (/forbidden/i.test(String(error)) ? "forbidden" : String(error)),
      );
    };
    const slices = "apis/discovery.k8s.io/v1/namespaces/veil/endpointslices";
    expect(await ask(`/${slices}`)).toBe("allowed");
    expect(await ask(`/${slices}?watch=true&timeoutSeconds=1`)).toBe("allowed");
    const refused = [
      "/api/v1/namespaces/veil/secrets",
      "/api/v1/namespaces/veil/pods",
      "/api/v1/namespaces/veil/services",
      "/apis/discovery.k8s.io/v1/endpointslices",
      "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
    ];
    for (const path of refused) expect([path, await ask(path)]).toEqual([path, "forbidden"]);
    expect(await ask(`/${slices}/any`, { method: "DELETE" })).toBe("forbidden");
  });

  test("a pod that is ready becomes a node, which is filled and shown", async () => {
    for (const machine of MACHINES) await startPod(machine);
    expect((await nodes()).map(({ name }) => name)).toEqual(["main"]);
    const began = performance.now();
    for (const machine of MACHINES) await pods.report(podOf(machine), true);
    await expect.poll(states).toEqual(Object.fromEntries(MACHINES.map((machine) => [machine, "active"])));
    process.stdout.write(
      `three pods were nodes with their users ${Math.round(performance.now() - began)} ms after they were ready\n`,
    );
    for (const machine of MACHINES) {
      expect(await xrayOf(machine).countUsers()).toBe(KEYS);
      expect(await nodeOf(machine)).toMatchObject({
        ...{ discovered: "veil/xray-nodes", note: "of Kubernetes", address: fronts.get(machine)?.address },
        host: `${NAMES[machine]}.vpn.example.com`,
      });
    }
    await expect
      .poll(async () => (await linksOf(firstKey())).map(({ node }) => node).toSorted())
      .toEqual(["main", ...Object.values(NAMES)].toSorted());
  });

  test("what a caller changes of it stands, and it carries bytes", async () => {
    for (const machine of MACHINES) {
      const port = testbed.nodes[1 + MACHINES.indexOf(machine)]?.port;
      await done("PATCH", `/nodes/${NAMES[machine]}`, { host: "127.0.0.1", port });
    }
    const hosts = async () => (await linksOf(firstKey())).filter(({ link }) => link.includes("@127.0.0.1:")).length;
    await expect.poll(hosts).toBe(1 + MACHINES.length);
    await move(firstKey(), "worker-1", 2);
    await done("POST", "/traffic/sync");
    expect(await total(firstKey())).toBe(await counted(firstKey()));
  });

  test("a pod that is replaced on its machine, and its Xray with it, is the same node all the time", async () => {
    const before = await nodeOf("worker-2");
    await pods.end(podOf("worker-2"));
    await processOf("worker-2")?.restart();
    await pods.gone(podOf("worker-2"));
    await startPod("worker-2", 2);
    await pods.report(podOf("worker-2", 2), true);
    const until = performance.now() + LONG_MS;
    while (performance.now() < until) {
      expect(await nodeOf("worker-2")).toEqual(before);
      await delay(200);
    }
    expect(await xrayOf("worker-2").countUsers()).toBe(KEYS);
  });

  test("a pod that is not ready for long has its node drained, and shown when it is back", async () => {
    await pods.report(podOf("worker-2", 2), false);
    await expect.poll(() => stateOf("worker-2")).toBe("draining");
    const drainedBy = async () => {
      const { events } = eventsSchema.parse(await done("GET", "/events?type=node.drained"));
      return events.map(({ actor }) => actor.name);
    };
    await expect.poll(drainedBy).toEqual(["system"]);
    await expect.poll(async () => (await linksOf(firstKey())).map(({ node }) => node)).not.toContain("worker-2");
    expect(await xrayOf("worker-2").countUsers()).toBe(KEYS);
    await pods.report(podOf("worker-2", 2), true);
    await expect.poll(() => stateOf("worker-2")).toBe("active");
  });

  test("an API that is away changes nothing, and is followed again when it is back, also by another worker", async () => {
    const before = await nodes();
    await cluster.kill();
    const [one, other] = testbed.services["xray-worker"];
    await one?.process.kill();
    await delay(LONG_MS);
    expect(await nodes()).toEqual(before);
    await cluster.restart();
    await pods.report(podOf("worker-2", 2), false);
    await expect.poll(() => stateOf("worker-2")).toBe("draining");
    await one?.process.start();
    await other?.process.kill();
    await pods.report(podOf("worker-2", 2), true);
    await expect.poll(() => stateOf("worker-2")).toBe("active");
    await other?.process.start();
  });

  test("when most are away at once none is drained or deleted", async () => {
    for (const machine of ["worker-1", "worker-2"] as const) {
      await pods.report(podOf(machine, machine === "worker-2" ? 2 : 1), false);
    }
    await pods.gone(podOf("worker-3.example.com"));
    await delay(LONG_MS);
    expect(Object.values(await states())).toEqual(["active", "active", "active"]);
    expect(await brakes()).toEqual([0, 1]);
    await startPod("worker-3.example.com", 2);
    await pods.report(podOf("worker-3.example.com", 2), true);
    await pods.report(podOf("worker-2", 2), true);
    // One of three is believed.
    await expect.poll(states).toMatchObject({ "worker-1": "draining", "worker-2": "active" });
    expect(await brakes()).toEqual([0, 0]);
    await pods.report(podOf("worker-1"), true);
    await expect.poll(() => stateOf("worker-1")).toBe("active");
  });

  test("a pod that is gone has its node deleted: users out, and not a byte lost", async () => {
    const began = await total(firstKey());
    await move(firstKey(), "worker-3.example.com", 3);
    await pods.gone(podOf("worker-3.example.com", 2));
    await expect.poll(() => stateOf("worker-3.example.com")).toBe("none");
    expect(await xrayOf("worker-3.example.com").countUsers()).toBe(0);
    expect(await total(firstKey())).toBe(await counted(firstKey()));
    expect(await total(firstKey())).toBeGreaterThan(began + 3 * MEGABYTE);
  });

  test("it is a node again when a pod is back on its machine", async () => {
    await startPod("worker-3.example.com", 3);
    await pods.report(podOf("worker-3.example.com", 3), true);
    await expect.poll(() => stateOf("worker-3.example.com")).toBe("active");
    expect(await xrayOf("worker-3.example.com").countUsers()).toBe(KEYS);
    await done("POST", "/traffic/sync");
    expect(await total(firstKey())).toBe(await counted(firstKey()));
  });

  test("a pod that is gone with its Xray has its node deleted as well", async () => {
    const before = await total(firstKey());
    await processOf("worker-2")?.kill();
    await pods.gone(podOf("worker-2", 2));
    await expect.poll(() => stateOf("worker-2")).toBe("none");
    expect(await total(firstKey())).toBe(before);
  });

  test("what a caller deletes stays away while its pod is there, and what a caller drains stays drained", async () => {
    await done("POST", `/nodes/${NAMES["worker-3.example.com"]}/drain`);
    await done("DELETE", "/nodes/worker-1");
    await pods.report(podOf("worker-3.example.com", 3), false);
    await delay(LONG_MS);
    await pods.report(podOf("worker-3.example.com", 3), true);
    await delay(LONG_MS / 2);
    expect(await states()).toMatchObject({ "worker-1": "none", "worker-3.example.com": "draining" });
    expect((await nodes()).map(({ name }) => name)).toContain("main");
  });
});

/** Objects of a file as it is shipped. */
async function manifests(path: string, kind?: string): Promise<object[]> {
  const documents = parseAllDocuments(await readFile(new URL(path, k8s), "utf8"));
  const objects = documents.map((document) => z.looseObject({ kind: z.string() }).parse(document.toJS()));
  return objects.filter((object) => kind === undefined || object.kind === kind);
}
