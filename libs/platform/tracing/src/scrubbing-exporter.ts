import type { Attributes } from "@opentelemetry/api";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-node";
import { scrubAddress, scrubSecrets } from "@veil/runtime";

type Export = SpanExporter["export"];

/** `ExportResultCode.SUCCESS` of @opentelemetry/core. */
const EXPORT_SUCCEEDED = 0;

/** Results and payloads of jobs: they hold the UUIDs of keys. */
const leftOut = new Set(["bullmq.job.result", "bullmq.job.options"]);

/** Where a request went, as its sender wrote it. */
const addresses = new Set(["http.url", "http.target", "url.full", "url.path", "url.query"]);

/** Takes secrets out of spans before they leave the process, and tells when delivery begins or ceases to fail. */
export class ScrubbingExporter implements SpanExporter {
  readonly #inner: SpanExporter;
  #fails = false;
  onProblem: (error: Error | undefined) => void = () => undefined;
  onDelivered: () => void = () => undefined;

  constructor(inner: SpanExporter) {
    this.#inner = inner;
  }

  export(spans: ReadableSpan[], done: Parameters<Export>[1]): void {
    this.#inner.export(spans.map(scrubbed), (result) => {
      const code: number = result.code;
      const fails = result.error !== undefined || code !== EXPORT_SUCCEEDED;
      if (fails && !this.#fails) this.onProblem(result.error);
      if (!fails && this.#fails) this.onDelivered();
      this.#fails = fails;
      done(result);
    });
  }

  async forceFlush(): Promise<void> {
    await this.#inner.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }
}

/** The same span with its texts cleaned. */
function scrubbed(span: ReadableSpan): ReadableSpan {
  const { message } = span.status;
  return {
    name: scrubSecrets(span.name),
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext !== undefined && { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    duration: span.duration,
    ended: span.ended,
    attributes: clean(span.attributes),
    events: span.events.map((event) => ({
      ...event,
      ...(event.attributes !== undefined && { attributes: clean(event.attributes) }),
    })),
    links: span.links,
    status: { ...span.status, ...(message !== undefined && { message: scrubSecrets(message) }) },
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}

function clean(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => !leftOut.has(name))
      .map(([name, value]) => [name, typeof value === "string" ? scrubbedText(name, value) : value]),
  );
}

function scrubbedText(name: string, text: string): string {
  return addresses.has(name) ? scrubAddress(text) : scrubSecrets(text);
}
