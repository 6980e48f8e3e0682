import { afterEach, describe, expect, it } from "vitest";
import { createLogger } from "./create-logger.ts";
import { createMetrics } from "./metrics.ts";
import { type OpsServer, type OpsServerOptions, startOpsServer } from "./ops-server.ts";
import type { ReadinessCheck } from "./readiness.ts";
import type { ServiceState } from "./lifecycle.ts";

const lines: string[] = [];
const running: OpsServer[] = [];

async function start(options: Partial<OpsServerOptions> = {}): Promise<OpsServer> {
  const server = await startOpsServer({
    host: "127.0.0.1",
    port: 0,
    log: createLogger({
      service: "api",
      version: "1",
      level: "info",
      pretty: false,
      destination: { write: (line) => void lines.push(line) },
    }),
    metrics: createMetrics({ service: "api", version: "1", defaultMetrics: false }),
    state: () => "running",
    ...options,
  });
  running.push(server);
  return server;
}

afterEach(async () => {
  lines.length = 0;
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function get(server: OpsServer, path: string, init?: RequestInit) {
  const response = await fetch(server.url + path, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

async function readiness(server: OpsServer) {
  const { status, text } = await get(server, "/readyz");
  const body: unknown = JSON.parse(text);
  return { status, body };
}

/** Never resolves, like a driver whose peer is gone. */
const hangs: ReadinessCheck = () => new Promise(() => undefined);

describe("the ops server", () => {
  it("answers /healthz whatever the state", async () => {
    const server = await start({ state: () => "draining" });
    expect(await get(server, "/healthz")).toMatchObject({ status: 200, text: '{"status":"ok"}' });
  });

  it("serves the metrics in Prometheus's text format", async () => {
    const { status, headers, text } = await get(await start(), "/metrics?x=1");
    expect(status).toBe(200);
    expect(headers.get("content-type")).toContain("text/plain; version=0.0.4");
    expect(text).toContain("veil_build_info");
  });

  it("answers 500 without a reason, and logs it, when the metrics cannot be collected", async () => {
    const metrics = createMetrics({ service: "api", version: "1", defaultMetrics: false });
    metrics.gauge({
      name: "g",
      help: "g",
      collect: () => {
        throw new Error("mongodb is down");
      },
    });
    const { status, text } = await get(await start({ metrics }), "/metrics");
    expect({ status, text }).toEqual({ status: 500, text: '{"detail":"Internal Server Error"}' });
    expect(lines.join("")).toContain("mongodb is down");
  });

  it("answers 404 to an unknown path and 405 to a wrong method", async () => {
    const server = await start();
    expect((await get(server, "/nothing")).status).toBe(404);
    expect((await get(server, "/toString")).status).toBe(404);
    const wrongMethod = await get(server, "/healthz", { method: "POST" });
    expect(wrongMethod.status).toBe(405);
    expect(wrongMethod.headers.get("allow")).toBe("GET, HEAD");
    expect((await get(server, "/healthz", { method: "HEAD" })).text).toBe("");
  });

  it("gives a prefix to its handler with the full path, and not its namesakes", async () => {
    const server = await start();
    server.addHandler("/admin/queues", (request, response) => response.end(`${request.method} ${request.url}`));
    expect((await get(server, "/admin/queues?a=1")).text).toBe("GET /admin/queues?a=1");
    expect((await get(server, "/admin/queues/x", { method: "PUT" })).text).toBe("PUT /admin/queues/x");
    expect((await get(server, "/admin/queuesx")).status).toBe(404);
  });

  it("does not answer after it was closed", async () => {
    const server = await start();
    await server.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow("fetch failed");
  });
});

describe("/readyz", () => {
  it("is 200 when every dependency answers", async () => {
    const server = await start();
    server.addCheck("mongodb", () => Promise.resolve());
    expect(await readiness(server)).toEqual({ status: 200, body: { status: "ok", checks: { mongodb: "ok" } } });
  });

  it("is 503 and names each dependency that has not answered yet", async () => {
    const server = await start({ checkTimeoutMs: 20 });
    server.addCheck("mongodb", () => Promise.resolve());
    server.addCheck("redis", hangs);
    server.addCheck("xray", () => Promise.reject(new Error("connect ECONNREFUSED 10.0.0.7:10085")));
    server.addCheck("queue", () => {
      throw new Error("at once");
    });
    expect(await readiness(server)).toEqual({
      status: 503,
      body: { status: "unavailable", checks: { mongodb: "ok", redis: "timeout", xray: "failed", queue: "failed" } },
    });
  });

  it("aborts the signal of a check whose time is up, and calls that a timeout", async () => {
    const server = await start({ checkTimeoutMs: 20 });
    server.addCheck(
      "redis",
      (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
    );
    expect((await readiness(server)).body).toEqual({ status: "unavailable", checks: { redis: "timeout" } });
  });

  it.each<[ServiceState, string]>([
    ["starting", "starting"],
    ["draining", "stopping"],
    ["stopped", "stopping"],
  ])("is 503 while the process is %s", async (state, status) => {
    const server = await start({ state: () => state });
    expect(await readiness(server)).toEqual({ status: 503, body: { status, checks: {} } });
  });

  it("is 503 when the stop begins while the checks run", async () => {
    let state: ServiceState = "running";
    const server = await start({ state: () => state });
    server.addCheck("mongodb", () => {
      state = "draining";
      return Promise.resolve();
    });
    expect(await readiness(server)).toMatchObject({ status: 503, body: { status: "stopping" } });
  });
});
