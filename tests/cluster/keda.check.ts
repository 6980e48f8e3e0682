import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Namespace, runTool } from "./kubectl.ts";
import { Release } from "./release.ts";
import { Visitor } from "./visitor.ts";

/** Jobs at once, and keys in each: more than a worker has under way, and work for many seconds. */
const JOBS = 120;
const KEYS_A_JOB = 50;
const MOST_WORKERS = 4;
/** KEDA's cooldown, the autoscaler's window for a step down, and as many steps as there are. */
const QUIET_MS = 240_000;

const deployment = z.object({ spec: z.object({ replicas: z.number() }) });
const id = randomBytes(3).toString("hex");
const namespace = new Namespace(`veil-keda-${id}`);
const outside = new Namespace(`veil-keda-${id}-visitor`);

const hasKeda =
  process.env["KUBECONFIG"] !== undefined &&
  (await runTool("kubectl", ["get", "crd", "scaledobjects.keda.sh", "--ignore-not-found", "--output", "name"])) !== "";
if (!hasKeda) process.stdout.write("left out: the scaling of workers, since the cluster has no KEDA\n");

describe.runIf(hasKeda)("with KEDA", () => {
  let release: Release;
  let visitor: Visitor;

  beforeAll(async () => {
    for (const { name } of [outside, namespace]) await runTool("kubectl", ["create", "namespace", name]);
    visitor = await Visitor.create(outside);
    release = new Release(namespace, { DOMAIN: "127.0.0.1", RATE_LIMIT_PER_SECOND: "0" }, [
      "keda.enabled=true",
      `keda.maxReplicas=${MOST_WORKERS}`,
    ]);
    await visitor.start(await release.imageOfApi(), "microsoft.com");
    await release.install();
  });

  afterAll(async () => {
    if (process.env["CLUSTER_KEEP"] === "true") return;
    await runTool("helm", ["--namespace", namespace.name, "uninstall", "veil", "--ignore-not-found"]);
    await runTool("kubectl", ["delete", "namespace", namespace.name, outside.name, "--ignore-not-found"]);
  });

  const workers = async () => (await namespace.read(deployment, "get", "deployment/xray-worker")).spec.replicas;

  /** Asks for many keys at once without waiting for any, as a bot does that moves its customers here. */
  async function ask(): Promise<number[]> {
    const way = await namespace.forward("service/api", "http");
    const apiKey = await release.secretOf("veil-api", "api-secret-key");
    const init = {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json", prefer: "respond-async" },
      body: JSON.stringify({ keys: Array.from({ length: KEYS_A_JOB }, () => ({})) }),
    };
    try {
      const asked = Array.from({ length: JOBS }, async () => {
        const answer = await fetch(`http://127.0.0.1:${way.port}/api/keys/batch`, init);
        await answer.arrayBuffer();
        return answer.status;
      });
      return [...new Set(await Promise.all(asked))];
    } finally {
      way.close();
    }
  }

  test("workers come while jobs wait, go when none does, and nobody is refused", async () => {
    await expect.poll(workers).toBe(1);
    const key = await release.secretOf("veil-api", "api-secret-key");
    const { answers } = await visitor.whileCalling(release.url, key, async () => {
      const began = performance.now();
      expect(await ask()).toEqual([202]);
      await expect.poll(workers).toBeGreaterThan(1);
      process.stdout.write(`${await workers()} workers after ${Math.round(performance.now() - began)} ms\n`);
      await release.rolledOut();
      await expect.poll(workers, { timeout: QUIET_MS }).toBe(1);
      process.stdout.write(`one again after ${Math.round(performance.now() - began)} ms\n`);
    });
    process.stdout.write(`${JSON.stringify(answers)}\n`);
    expect(Object.keys(answers)).toEqual(["200"]);
  });
});
