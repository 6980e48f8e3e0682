import { env } from "node:process";

// First of all, and only when it is wanted: it patches what the service then imports.
const isTraced = (env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "") !== "";
const options = { service: "api", moduleUrl: import.meta.url };
const tracing = isTraced ? (await import("@veil/tracing")).startTracing(options) : null;

const { runApi } = await import("./run-api.ts");
await runApi(tracing);
