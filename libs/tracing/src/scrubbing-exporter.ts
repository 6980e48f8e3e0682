import type { Attributes } from "@opentelemetry/api";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-node";
import { scrubSecrets } from "@veil/service-runtime";

type Export = SpanExporter["export"];

/** Results and payloads of jobs: they hold the UUIDs of keys. */
const leftOut = new Set(["bullmq.job.result", "bullmq.job.options"]);

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
      const fails = result.error !== undefined || result.code !== 0;
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
  return Object.create(span, {
    attributes: { value: clean(span.attributes) },
    events: {
      value: span.events.map((event) => ({
        ...event,
        ...(event.attributes !== undefined && { attributes: clean(event.attributes) }),
      })),
    },
    status: { value: { ...span.status, ...(message !== undefined && { message: scrubSecrets(message) }) } },
  });
}

function clean(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => !leftOut.has(name))
      .map(([name, value]) => [name, typeof value === "string" ? scrubSecrets(value) : value]),
  );
}
