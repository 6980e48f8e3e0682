import { endpoints, operationIds } from "@veil/http-contract";
import { boundedLabel, type Metrics } from "@veil/runtime";
import type { FinishedRequest } from "./http/log-request.ts";
import { isWriteOperation, type WriteOperation, WRITE_OPERATIONS } from "./jobs/write-jobs.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

const REFUSALS = ["rate_limited", "too_many_failures", "unauthorized", "forbidden"] as const;

/** Measures requests; the successes of every endpoint exist at 0 from the start. */
export function requestMetrics(metrics: Metrics): (request: FinishedRequest) => void {
  const durations = metrics.histogram({
    name: "veil_http_request_duration_seconds",
    help: "Duration of HTTP requests; status 0 is a connection closed without an answer.",
    labels: { method: [...METHODS, "other"], route: [], status: [] },
    startWith: operationIds.map((id) => {
      const { method, path } = endpoints[id];
      return { method: method.toUpperCase(), route: path, status: "200" };
    }),
  });
  const refused = metrics.counter({
    name: "veil_http_refused_total",
    help: "Requests that were turned away before they were looked at.",
    labels: { reason: REFUSALS },
  });
  const replayed = metrics.counter({
    name: "veil_http_replayed_total",
    help: "Repeated writes that got the answer of the first one.",
    labels: { operation: WRITE_OPERATIONS },
  });
  const methodOf = boundedLabel(METHODS);
  return (request) => {
    const { method, route, status, durationSeconds } = request;
    durations.observe({ method: methodOf(method), route, status: String(status) }, durationSeconds);
    const reason = refusalOf(request);
    if (reason !== null) refused.inc({ reason });
    const operation = request.replayed ? writeAt(method, route) : null;
    if (operation !== null) replayed.inc({ operation });
  };
}

const DOCS_ROUTES: ReadonlySet<string> = new Set(
  ([endpoints.showSwaggerUi, endpoints.showRedoc, endpoints.getOpenApiDocument] as const).map(({ path }) => path),
);

function refusalOf({ status, identified, route }: FinishedRequest): (typeof REFUSALS)[number] | null {
  switch (status) {
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 429:
      // A known caller came too often, and so did a reader of documents; anyone else tried too many tokens.
      return identified || DOCS_ROUTES.has(route) ? "rate_limited" : "too_many_failures";
    default:
      return null;
  }
}

function writeAt(method: string, route: string): WriteOperation | null {
  const id = operationIds.find(
    (one) => endpoints[one].path === route && endpoints[one].method.toUpperCase() === method,
  );
  return id !== undefined && isWriteOperation(id) ? id : null;
}
