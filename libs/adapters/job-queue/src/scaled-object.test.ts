import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { queueNames } from "@veil/job-contract";
import { LARGEST_MICRO_BATCH } from "./micro-batch.ts";
import { DEFAULT_QUEUE_PREFIX } from "./queue-options.ts";

const components = new URL("../../../../k8s/components/", import.meta.url);

const scaledObject = z.object({
  kind: z.literal("ScaledObject"),
  spec: z.object({
    triggers: z.array(
      z.object({ type: z.string(), metadata: z.object({ listName: z.string(), listLength: z.coerce.number() }) }),
    ),
  }),
});
const autoscaler = z.object({
  spec: z.object({
    metrics: z.array(
      z.object({
        external: z.object({
          metric: z.object({
            name: z.string(),
            selector: z.object({ matchLabels: z.object({ queue: z.string(), state: z.string().optional() }) }),
          }),
        }),
      }),
    ),
  }),
});

function documentsOf(path: string): unknown[] {
  return parseAllDocuments(readFileSync(new URL(path, components), "utf8")).map(
    (document) => document.toJS() as unknown,
  );
}

test("KEDA watches every key in which BullMQ keeps jobs that a worker has yet to finish", () => {
  const [document] = documentsOf("keda/scaled-object.yaml");
  const watched = scaledObject.parse(document).spec.triggers.map(({ metadata }) => metadata.listName);
  const states = ["wait", "prioritized", "active", "delayed"];
  expect(watched).toEqual(states.map((state) => `${DEFAULT_QUEUE_PREFIX}:${queueNames[0]}:${state}`));
});

/** Keys that a worker makes in a second, one by one: docs/performance.md. */
const KEYS_PER_SECOND = 800;

test("KEDA adds a worker before the keys in waiting jobs are more than one works off in a second", () => {
  const [document] = documentsOf("keda/scaled-object.yaml");
  const { triggers } = scaledObject.parse(document).spec;
  const lengths = triggers.slice(0, 2).map(({ metadata }) => metadata.listLength);
  expect(lengths).toHaveLength(2);
  for (const length of lengths) expect(length * LARGEST_MICRO_BATCH).toBeLessThan(KEYS_PER_SECOND);
});

test("the autoscaler looks at the queue of the workers, and at all that waits or is under way there", () => {
  const [document] = documentsOf("hpa/horizontal-pod-autoscaler.yaml");
  const labels = autoscaler.parse(document).spec.metrics.map(({ external }) => external.metric.selector.matchLabels);
  expect(new Set(labels.map(({ queue }) => queue))).toEqual(new Set([queueNames[0]]));
  expect(labels.flatMap(({ state }) => state ?? [])).toEqual(["waiting", "prioritized", "active"]);
});

test("the services of a cluster use the prefix that KEDA watches", () => {
  const base = readFileSync(new URL("../base/kustomization.yaml", components), "utf8");
  expect(base).toContain(`QUEUE_PREFIX=${DEFAULT_QUEUE_PREFIX}\n`);
});
