import type { RequestHandler, Response } from "express";
import { requestContext } from "./request-context.ts";

/** A request that is over, in terms with few values: fit for the labels of a metric. */
export interface FinishedRequest {
  readonly method: string;
  /** The path pattern, `unmatched` for paths that no endpoint has. */
  readonly route: string;
  /** 0 when the connection closed without an answer. */
  readonly status: number;
  readonly durationSeconds: number;
}

const longestLoggedPath = 200;

/** Writes one line per request when it is over. Headers and queries are left out: they may hold secrets. */
export function logRequest(onFinished: (request: FinishedRequest) => void): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const path = request.path.slice(0, longestLoggedPath);
    response.once("close", () => {
      const { log, route, caller } = requestContext(request);
      const durationMs = performance.now() - startedAt;
      const status = response.headersSent ? response.statusCode : 0;
      const finished = { method: request.method, route: route ?? "unmatched", status };
      onFinished({ ...finished, durationSeconds: durationMs / 1_000 });
      log[levelOf(response)](
        {
          ...finished,
          path,
          duration_ms: Math.round(durationMs * 10) / 10,
          ...(caller !== null && { caller: caller.label }),
          ...(!response.writableFinished && { aborted: true }),
        },
        "request",
      );
    });
    next();
  };
}

/** 503 is expected while a dependency is away, and whoever watches that dependency is told by its own lines. */
function levelOf({ statusCode }: Response): "info" | "warn" | "error" {
  if (statusCode === 503) return "warn";
  return statusCode >= 500 ? "error" : "info";
}
