import { endpoints, operationIds } from "@veil/http-contract";
import { boundedLabel, type Metrics } from "@veil/service-runtime";
import type { FinishedRequest } from "./http/log-request.ts";

const methods = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"] as const;

/** Measures requests by method, route and status; the successes of every endpoint exist at 0 from the start. */
export function requestMetrics(metrics: Metrics): (request: FinishedRequest) => void {
  const durations = metrics.histogram({
    name: "veil_http_request_duration_seconds",
    help: "Duration of HTTP requests; status 0 is a connection closed without an answer.",
    labels: { method: [...methods, "other"], route: [], status: [] },
    startWith: operationIds.map((id) => {
      const { method, path } = endpoints[id];
      return { method: method.toUpperCase(), route: path, status: "200" };
    }),
  });
  const methodOf = boundedLabel(methods);
  return ({ method, route, status, durationSeconds }) => {
    durations.observe({ method: methodOf(method), route, status: String(status) }, durationSeconds);
  };
}
