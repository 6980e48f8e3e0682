import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { consumers } from "./handout.ts";

const k8s = new URL("../../../k8s/", import.meta.url);

const deployment = z.object({
  kind: z.literal("Deployment"),
  spec: z.object({
    template: z.object({
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        containers: z.array(
          z.object({
            env: z.array(z.object({ name: z.string(), value: z.string() })),
            lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }).optional(),
          }),
        ),
        volumes: z.array(z.object({ secret: z.object({ secretName: z.string() }).optional() })),
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
  const secrets = podOf(service).volumes.flatMap(({ secret }) => secret?.secretName ?? []);
  expect(secrets).toEqual([`veil-${service}`]);
  expect(consumers).toContain(service);
});
