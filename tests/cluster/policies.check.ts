import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Namespace, runTool } from "./kubectl.ts";
import { reachedFrom } from "./reached-from.ts";
import { Release } from "./release.ts";

const pods = z.object({ items: z.array(z.object({ status: z.object({ podIP: z.string() }) })) });

const id = randomBytes(3).toString("hex");
const namespace = new Namespace(`veil-policies-${id}`);
const outside = new Namespace(`veil-policies-${id}-outside`);
const release = new Release(namespace, { DOMAIN: "127.0.0.1", REALITY_DEST: "127.0.0.1:9443" });

/** What listens, by the name of its pods: policies speak of pods, whatever service is in front. */
const PORTS = [
  { port: "http", of: "api", number: 8_000 },
  { port: "vless", of: "xray", number: 4_443 },
  { port: "grpc", of: "xray", number: 10_085 },
  { port: "redis", of: "redis", number: 6_379 },
  { port: "mongodb", of: "mongodb", number: 27_017 },
  { port: "api metrics", of: "api", number: 9_100 },
  { port: "worker metrics", of: "xray-worker", number: 9_101 },
  { port: "collector metrics", of: "stats-collector", number: 9_102 },
];
/** How often it is looked whether a policy holds that was made just now. */
const LOOKS = 10;
/** {@link PORTS} by `address:port`. */
const addresses = new Map<string, (typeof PORTS)[number]>();

let isEnforced = false;

beforeAll(async () => {
  if (process.env["KUBECONFIG"] === undefined) throw new Error("KUBECONFIG names no cluster");
  await runTool("kubectl", ["create", "namespace", outside.name]);
  await runTool("kubectl", ["create", "namespace", namespace.name]);
  const image = await release.imageOfApi();
  await outside.apply([podOf("outsider", image), podOf("shut", image)]);
  await release.install();
  await outside.run("wait", "pod/outsider", "pod/shut", "--for=condition=Ready", "--timeout=60s");
  for (const each of PORTS) {
    const address = await addressOf(namespace, `app.kubernetes.io/name=${each.of}`);
    addresses.set(`${address}:${each.number}`, each);
  }
  isEnforced = await areEnforced();
});

afterAll(async () => {
  if (process.env["CLUSTER_KEEP"] === "true") return;
  await runTool("helm", ["--namespace", namespace.name, "uninstall", "veil", "--ignore-not-found"]);
  await runTool("kubectl", ["delete", "namespace", namespace.name, outside.name, "--ignore-not-found"]);
});

function podOf(name: string, image: string): object {
  const command = ["node", "-e", 'require("node:http").createServer().listen(8080)'];
  return {
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name } } },
    spec: { containers: [{ name, image, imagePullPolicy: "IfNotPresent", command }], terminationGracePeriodSeconds: 0 },
  };
}

async function addressOf(of: Namespace, selector: string): Promise<string> {
  const { items } = await of.read(pods, "get", "pods", `--selector=${selector}`);
  const [pod] = items;
  if (pod === undefined) throw new Error(`there is no pod of ${selector}`);
  return pod.status.podIP;
}

/** Whether this cluster keeps pods from one to which a policy lets nobody. */
async function areEnforced(): Promise<boolean> {
  const spec = { podSelector: { matchLabels: { app: "shut" } }, policyTypes: ["Ingress"] };
  const target = `${await addressOf(outside, "app=shut")}:8080`;
  expect(await reachedFrom(outside, "outsider", [target])).toEqual([target]);
  await outside.apply([
    { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: "shut" }, spec },
  ]);
  for (let looks = 0; looks < LOOKS; looks += 1) {
    if ((await reachedFrom(outside, "outsider", [target])).length === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  return false;
}

test.each([
  ["outsider", outside, "pod/outsider", ["http", "vless"]],
  ["api", namespace, "deployment/api", ["redis", "mongodb"]],
  ["xray-worker", namespace, "deployment/xray-worker", ["grpc", "redis", "mongodb"]],
  ["stats-collector", namespace, "deployment/stats-collector", ["grpc", "redis", "mongodb"]],
])("%s reaches what it needs of the others, and nothing else", async (component, of, from, needed) => {
  // Every pod reaches its own ports.
  const others = [...addresses.keys()].filter((address) => addresses.get(address)?.of !== component);
  const names = (await reachedFrom(of, from, others)).map((address) => addresses.get(address)?.port);
  expect(names).toEqual(isEnforced ? needed : expect.arrayContaining(needed));
});

test("somebody enforces the policies", (context) => {
  context.skip(
    !isEnforced,
    "this cluster enforces none: the tests above have shown what is open, and not what is shut",
  );
});
