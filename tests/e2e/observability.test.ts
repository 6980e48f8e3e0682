import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { type ReceivedSpan, type SpanReceiver, startSpanReceiver } from "../support/span-receiver.ts";

const createdKey = z.object({ key_id: z.number(), uuid: z.string() });

let receiver: SpanReceiver;
let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let key: z.infer<typeof createdKey>;

beforeAll(async () => {
  receiver = await startSpanReceiver();
  dataDir = await temporaryDataDir();
  stack = await startStack(dataDir.path, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: "200",
    ADMIN_PASSWORD: "password-of-the-queue-page",
  });
  const response = await fetch(`${stack.apiUrl}/api/keys`, {
    method: "POST",
    headers: { Authorization: `Bearer ${stack.apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ name: "traced" }),
  });
  key = createdKey.parse(await response.json());
});
afterAll(async () => {
  await stack?.stop();
  await receiver?.close();
  await dataDir?.remove();
});

const createTrace = (): ReceivedSpan[] => {
  const add = receiver.spans.find(({ name }) => name.includes("add veil-keys"));
  return receiver.spans.filter(({ traceId }) => traceId === add?.traceId);
};
const namesOf = (service: string) =>
  createTrace()
    .filter((span) => span.service === service)
    .map(({ name }) => name);

describe("the trace of a create", () => {
  it("leads from the HTTP request through the job to the call of Xray", async () => {
    await expect.poll(() => namesOf("veil-api")).toContain("POST /api/keys");
    await expect
      .poll(() => namesOf("veil-xray-worker"))
      .toEqual(expect.arrayContaining(["process veil-keys", expect.stringMatching(/AlterInbound/)]));
  });

  it("has one root, and every other span hangs on one that was sent", async () => {
    await expect.poll(() => createTrace().filter(({ parentId }) => parentId === "")).toHaveLength(1);
    const ids = () => new Set(createTrace().map(({ spanId }) => spanId));
    await expect
      .poll(() => createTrace().filter(({ parentId }) => parentId !== "" && !ids().has(parentId)))
      .toEqual([]);
  });

  it("shows the stores that it led to", async () => {
    await expect.poll(() => namesOf("veil-api").join()).toMatch(/eval/i);
    await expect.poll(() => namesOf("veil-xray-worker").join()).toMatch(/mongodb\.|insert|find/i);
  });

  it("holds neither the key's uuid nor the secret of the API", () => {
    expect(receiver.text()).not.toContain(key.uuid);
    expect(receiver.text()).not.toContain(stack.apiKey);
  });

  it("is not buried under what the services do by themselves", () => {
    const roots = receiver.spans.filter(({ parentId }) => parentId === "").map(({ name }) => name);
    expect(roots.filter((name) => !/^(GET|HEAD|POST|DELETE) /.test(name))).toEqual([]);
  });
});

describe("the metrics of the running services", () => {
  const documented = new Set(
    readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8")
      .match(/^\| `\w+`/gm)
      ?.map((cell) => cell.slice(3, -1)),
  );

  it.each(["api", "xray-worker", "stats-collector"])("are all documented: %s", async (service) => {
    const page = await pageOf(service);
    const names = [...page.matchAll(/^# TYPE (\w+)/gm)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !/^(process|nodejs)_/.test(name) && !documented.has(name))).toEqual([]);
  });

  it("measure how long a key took from its request", async () => {
    await expect
      .poll(() => pageOf("xray-worker"))
      .toMatch(/veil_key_provision_duration_seconds_count\{operation="create"\} [1-9]/);
  });

  it("show the keys and the queues once", async () => {
    const others = `${await pageOf("api")}${await pageOf("xray-worker")}`;
    expect(others).not.toMatch(/^(veil_keys|bullmq_job_count)\{/m);
    await expect.poll(() => pageOf("stats-collector")).toMatch(/^veil_keys\{state="active"\} [1-9]/m);
    await expect
      .poll(() => pageOf("stats-collector"))
      .toMatch(/^bullmq_job_completed_total\{queue="veil-keys"\} [1-9]/m);
  });
});

async function pageOf(service: string): Promise<string> {
  const url = new RegExp(`(http://\\S+)\\s+\\(${service}\\)`).exec(stack.output())?.[1] ?? "";
  return (await fetch(url)).text();
}
