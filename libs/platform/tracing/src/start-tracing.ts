import { createRequire, syncBuiltinESMExports } from "node:module";
import { type Attributes, type Context, type Link, SpanKind } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { ExpressInstrumentation, ExpressLayerType } from "@opentelemetry/instrumentation-express";
import { GrpcInstrumentation } from "@opentelemetry/instrumentation-grpc";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { IORedisInstrumentation } from "@opentelemetry/instrumentation-ioredis";
import { MongoDBInstrumentation } from "@opentelemetry/instrumentation-mongodb";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  type Sampler,
  type SamplingResult,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-node";
import { exitOnSettingsError, readPackageVersion } from "@veil/runtime";
import { BullMQOtel } from "bullmq-otel";
import { readSamplingRatio } from "./read-sampling-ratio.ts";
import { ScrubbingExporter } from "./scrubbing-exporter.ts";

export interface TracingOptions {
  readonly service: string;
  /** `import.meta.url` of a module directly in the service's `src/` or `dist/`: its version is sent, too. */
  readonly moduleUrl: string;
}

/** Traces that are being sent to `OTEL_EXPORTER_OTLP_ENDPOINT`. */
export interface Tracing {
  /** The tracing of the queues, so that a trace goes on from the request into its job. */
  readonly telemetry: BullMQOtel;
  /** Says when spans can't be delivered, and when they can be again. */
  tellProblems(log: ProblemLog): void;
  /** Sends what is left, for at most a second. */
  stop(): Promise<void>;
}

interface ProblemLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Spans that take longer to send are not worth waiting for at the end of a process. */
const LAST_SEND_MS = 1_000;
const probePaths = new Set(["/metrics", "/healthz", "/readyz"]);

/**
 * Begins to trace: requests from outside, jobs, and the calls to Redis, MongoDB and Xray that they lead to.
 *
 * Call it before anything that is to be traced is imported. The variables that the OpenTelemetry specification names for
 * the exporter and the resource (`OTEL_EXPORTER_OTLP_*`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`) count.
 * With a bad `OTEL_TRACES_SAMPLER_ARG` the process ends with code 78.
 */
export function startTracing({ service, moduleUrl }: TracingOptions): Tracing {
  const ratio = exitOnSettingsError(() => readSamplingRatio({ program: service }));
  const version = readPackageVersion(moduleUrl);
  const exporter = new ScrubbingExporter(new OTLPTraceExporter());
  const named = resourceFromAttributes({ "service.name": `veil-${service}`, "service.version": version });
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(named)
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({ root: new RequestRootSampler(ratio) }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();
  registerInstrumentations({
    tracerProvider: provider,
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: ({ url = "" }) => probePaths.has(url.split("?", 1)[0] ?? ""),
      }),
      new ExpressInstrumentation({ ignoreLayersType: [ExpressLayerType.MIDDLEWARE, ExpressLayerType.ROUTER] }),
      new GrpcInstrumentation(),
      // The arguments hold jobs, and those hold keys.
      new IORedisInstrumentation({ dbStatementSerializer: (command) => command }),
      new MongoDBInstrumentation({ dbStatementSerializer: () => "" }),
    ],
  });
  patchNow();
  return {
    telemetry: new BullMQOtel({ tracerName: "bullmq", version }),
    tellProblems: (log) => {
      exporter.onProblem = (err) => log.warn({ err }, "traces can't be delivered");
      exporter.onDelivered = () => log.info({}, "traces are delivered");
    },
    stop: () => within(LAST_SEND_MS, provider.shutdown()),
  };
}

/**
 * The instrumentations patch what `require` loads, in place. The services import ES modules, which Node loads past
 * `require`; so what they import first-hand is required here once. The driver of MongoDB needs no such help: mongoose
 * requires it.
 */
function patchNow(): void {
  const require = createRequire(import.meta.url);
  for (const name of ["node:http", "express", "ioredis", "@grpc/grpc-js"]) require(name);
  syncBuiltinESMExports();
}

async function within(limitMs: number, task: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  // A receiver that is away was logged already.
  await Promise.race([task.catch(() => undefined), limit]);
  clearTimeout(timer);
}

/**
 * Lets traces begin with a request from outside only. The services' own work, a health probe of a node every second or
 * a look for the next job, would bury them.
 *
 * @param ratio 0–1: the part of the requests that is traced
 */
class RequestRootSampler implements Sampler {
  readonly #requests: Sampler;
  readonly #others: Sampler = new AlwaysOffSampler();

  constructor(ratio: number) {
    this.#requests = new TraceIdRatioBasedSampler(ratio);
  }

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const sampler = kind === SpanKind.SERVER ? this.#requests : this.#others;
    return sampler.shouldSample(context, traceId, name, kind, attributes, links);
  }

  toString(): string {
    return "RequestRootSampler";
  }
}
