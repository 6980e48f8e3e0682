import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Namespace, runTool } from "./kubectl.ts";
import { Release } from "./release.ts";
import { Visitor } from "./visitor.ts";

/** More than one worker makes on a machine that the whole cluster shares. */
const CALLS_PER_SECOND = 1_000;
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

  test("workers come while keys wait, go when none does, and nobody is refused", async () => {
    await expect.poll(workers).toBe(1);
    let most = 1;
    const { made, answers } = await visitor.whileCalling(
      release.url,
      await release.secretOf("veil-api", "api-secret-key"),
      async () => {
        await expect.poll(async () => (most = Math.max(most, await workers()))).toBeGreaterThan(1);
        await release.rolledOut();
      },
      CALLS_PER_SECOND,
    );
    process.stdout.write(`${most} workers, ${made.length} keys, ${JSON.stringify(answers)}\n`);
    expect(Object.keys(answers)).toEqual(["200"]);
    await expect.poll(workers, { timeout: QUIET_MS }).toBe(1);
  });
});
