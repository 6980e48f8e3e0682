import { register } from "prom-client";
import { describe, expect, it } from "vitest";
import { boundedLabel, createMetrics, LabelCombinationsError, LATENCY_BUCKETS_SECONDS } from "./metrics.ts";

function bareMetrics() {
  return createMetrics({ service: "api", version: "1.2.3", defaultMetrics: false });
}

describe("createMetrics", () => {
  it("says what runs and how the process is", async () => {
    const { registry } = createMetrics({ service: "api", version: "1.2.3" });
    const text = await registry.metrics();
    expect(text).toContain(`veil_build_info{service="api",version="1.2.3",node_version="${process.version}"} 1`);
    expect(text).toContain("process_cpu_seconds_total");
    expect(text).toContain("nodejs_eventloop_lag_seconds");
  });

  it("never touches the global registry", () => {
    createMetrics({ service: "api", version: "1" }).counter({ name: "veil_x_total", help: "x" });
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  it("keeps two registries apart", () => {
    for (const metrics of [bareMetrics(), bareMetrics()]) metrics.counter({ name: "veil_x_total", help: "x" });
    const metrics = bareMetrics();
    metrics.counter({ name: "veil_x_total", help: "x" });
    expect(() => metrics.counter({ name: "veil_x_total", help: "x" })).toThrow("already been registered");
  });
});

describe("a metric", () => {
  it("starts with every combination of its labels at 0", async () => {
    const metrics = bareMetrics();
    const labels = { operation: ["create", "delete"], result: ["ok", "error"] };
    metrics.counter({ name: "c_total", help: "c", labels });
    metrics.gauge({ name: "g", help: "g", labels });
    metrics.histogram({ name: "h", help: "h", labels });
    const text = await metrics.registry.metrics();
    for (const operation of labels.operation) {
      for (const result of labels.result) {
        expect(text).toContain(`c_total{operation="${operation}",result="${result}"} 0`);
        expect(text).toContain(`g{operation="${operation}",result="${result}"} 0`);
        expect(text).toContain(`h_count{operation="${operation}",result="${result}"} 0`);
      }
    }
  });

  it("starts at 0 without labels, too", async () => {
    const metrics = bareMetrics();
    metrics.counter({ name: "c_total", help: "c" });
    metrics.histogram({ name: "h", help: "h" });
    expect(await metrics.registry.metrics()).toMatch(/^c_total 0$[\s\S]*^h_count 0$/m);
  });

  it("starts with the named combinations only, when some are named", async () => {
    const metrics = bareMetrics();
    const requests = metrics.counter({
      name: "c_total",
      help: "c",
      labels: { route: ["/a", "/b"], status: ["200", "500"] },
      startWith: [{ route: "/a", status: "200" }],
    });
    requests.inc({ route: "/b", status: "500" });
    const lines = (await metrics.registry.metrics()).split("\n").filter((line) => line.startsWith("c_total"));
    expect(lines).toEqual(['c_total{route="/a",status="200"} 0', 'c_total{route="/b",status="500"} 1']);
  });

  it("refuses to start with more combinations than anybody reads", () => {
    const many = Array.from({ length: 40 }, (_, index) => String(index));
    expect(() => bareMetrics().counter({ name: "c_total", help: "c", labels: { a: many, b: many } })).toThrow(
      new LabelCombinationsError("c_total", 1_600),
    );
  });

  it("that is collected when read shows what its collector sets", async () => {
    const metrics = bareMetrics();
    metrics.gauge({
      name: "veil_keys",
      help: "k",
      labels: { state: ["active", "deleting"] },
      collect: (keys) => {
        keys.set({ state: "active" }, 3);
      },
    });
    const lines = (await metrics.registry.metrics()).split("\n").filter((line) => line.startsWith("veil_keys"));
    expect(lines).toEqual(['veil_keys{state="active"} 3']);
  });

  it("that is a histogram resolves 1 ms to 10 s unless other buckets are given", async () => {
    const metrics = bareMetrics();
    metrics.histogram({ name: "h", help: "h" });
    metrics.histogram({ name: "own", help: "own", buckets: [1, 2] });
    const text = await metrics.registry.metrics();
    for (const bound of LATENCY_BUCKETS_SECONDS) expect(text).toContain(`h_bucket{le="${bound}"} 0`);
    expect(text.match(/^own_bucket/gm)).toHaveLength(3);
  });
});

describe("boundedLabel", () => {
  it("keeps what is allowed and makes the rest other", () => {
    const method = boundedLabel(["GET", "POST"]);
    expect(method("GET")).toBe("GET");
    expect(method("BREW")).toBe("other");
    expect(method("toString")).toBe("other");
  });
});

describe("the series of a label value that comes and goes", () => {
  it("begin at 0 beside all other labels, and end with it", async () => {
    const metrics = bareMetrics();
    const node = ["each node"];
    const changing = "node";
    const counter = metrics.counter({
      name: "c_total",
      help: "c",
      labels: { node, result: ["ok", "error"] },
      changing,
    });
    metrics.gauge({ name: "g", help: "g", labels: { node }, changing });
    const histogram = metrics.histogram({ name: "h", help: "h", labels: { node }, changing, buckets: [1] });
    metrics.counter({ name: "other_total", help: "o", labels: { result: ["ok"] } });
    const before = await metrics.registry.metrics();
    metrics.startSeries("node", "a");
    metrics.startSeries("node", "b");
    counter.inc({ node: "a", result: "ok" }, 3);
    histogram.observe({ node: "a" }, 2);
    const text = await metrics.registry.metrics();
    expect(text).toContain('c_total{node="a",result="ok"} 3');
    expect(text).toContain('c_total{node="b",result="error"} 0');
    expect(text).toContain('g{node="b"} 0');
    expect(text).toContain('h_count{node="a"} 1');
    await metrics.endSeries("node", "a");
    const after = await metrics.registry.metrics();
    expect(after).not.toContain('node="a"');
    expect(after).toContain('h_count{node="b"} 0');
    await metrics.endSeries("node", "b");
    expect(await metrics.registry.metrics()).toBe(before);
  });
});
