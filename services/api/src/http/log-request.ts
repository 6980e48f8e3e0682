import { scrubAddress } from "@veil/runtime";
import type { RequestHandler, Response } from "express";
import { requestContext } from "./request-context.ts";

/** A request that is over, in terms with few values: fit for the labels of a metric. */
export interface FinishedRequest {
  readonly method: string;
  /** The path pattern, `unmatched` for paths that no endpoint has. */
  readonly route: string;
  /** 0 when the connection closed without an answer. */
  readonly status: number;
  /** Whether its sender is known. */
  readonly identified: boolean;
  /** Whether it is a write that got the answer of an earlier one. */
  readonly replayed: boolean;
  readonly durationSeconds: number;
}

const LONGEST_LOGGED_PATH = 200;

/**
 * Writes one line per request when it is over. Headers and queries are left out: they may hold secrets. So is the path of a
 * subscription, which is one, and what looks like it in a path that no endpoint has.
 */
export function logRequest(onFinished: (request: FinishedRequest) => void): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const path = request.path.slice(0, LONGEST_LOGGED_PATH);
    response.once("close", () => {
      const { log, route, caller, logFields, answeredAt } = requestContext(request);
      const now = performance.now();
      const durationMs = now - startedAt;
      const status = response.headersSent ? response.statusCode : 0;
      const finished = { method: request.method, route: route ?? "unmatched", status };
      const replayed = response.getHeader("Idempotency-Replayed") === "true";
      onFinished({
        ...finished,
        identified: caller !== null,
        replayed,
        durationSeconds: ((answeredAt ?? now) - startedAt) / 1_000,
      });
      log[levelOf(response)](
        {
          ...finished,
          path: shownPath(path, route),
          duration_ms: Math.round(durationMs * 10) / 10,
          ...(logFields.jobId !== undefined && { job_id: logFields.jobId }),
          ...(logFields.keyId !== undefined && { key_id: logFields.keyId }),
          ...(replayed && { replayed }),
          ...(caller !== null && { caller: caller.label, ...(caller.owner !== null && { owner: caller.owner }) }),
          ...(!response.writableFinished && { aborted: true }),
        },
        "request",
      );
    });
    next();
  };
}

function shownPath(path: string, route: string | null): string {
  if (route?.startsWith("/sub/") === true) return route;
  return route === null ? scrubAddress(path) : path;
}

/** A failure that somebody must act on has an error line of its own, with its cause. */
function levelOf({ statusCode }: Response): "info" | "warn" {
  return statusCode >= 500 ? "warn" : "info";
}
