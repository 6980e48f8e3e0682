import { type Attributes, type Context, type Link, SpanKind } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  type Sampler,
  type SamplingResult,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-node";

/**
 * Lets traces begin with a request from outside only. The services' own work, a health probe of a node every second or
 * a look for the next job, would bury them.
 *
 * @param ratio 0–1: the part of the requests that is traced
 */
export class RequestRootSampler implements Sampler {
  readonly #requests: Sampler;
  readonly #others: Sampler = new AlwaysOffSampler();

  constructor(ratio: number = ratioOf(process.env["OTEL_TRACES_SAMPLER_ARG"])) {
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

/** All of them unless a number from 0 to 1 says otherwise. */
function ratioOf(text: string | undefined): number {
  const ratio = Number(text ?? "");
  return text !== undefined && text !== "" && ratio >= 0 && ratio <= 1 ? ratio : 1;
}
