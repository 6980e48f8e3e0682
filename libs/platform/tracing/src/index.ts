/**
 * OpenTelemetry traces. Import it dynamically, and only when they are sent somewhere: it patches the libraries that the
 * process loads afterwards.
 */
export { startTracing, type Tracing, type TracingOptions } from "./start-tracing.ts";
