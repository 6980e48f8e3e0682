import { env } from "node:process";

// First of all, and only when it is wanted: it patches what the service then imports.
const isTraced = (env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "") !== "";
const options = { service: "stats-collector", moduleUrl: import.meta.url };
const tracing = isTraced ? (await import("@veil/tracing")).startTracing(options) : null;

const { runCollector } = await import("./run-collector.ts");
await runCollector(tracing);
