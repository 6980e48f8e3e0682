import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { Logger } from "./create-logger.ts";
import { closeHttp, listenHttp } from "./http-listener.ts";
import type { RunningService, ServiceState } from "./lifecycle.ts";
import type { Metrics } from "./metrics.ts";
import { Readiness, type ReadinessCheck } from "./readiness.ts";

export interface OpsServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, "registry">;
  /** The state of the process: it is ready only while `running`. */
  readonly state: () => ServiceState;
  /** How long a readiness check may take, in milliseconds. Default 1,000. */
  readonly checkTimeoutMs?: number;
}

/** The server for operators: never on the public port, no authentication of its own. */
export interface OpsServer {
  readonly port: number;
  /** Reaches it from this machine. */
  readonly url: string;
  /** Has `/readyz` show a check under this name; until it has passed once the process is not ready. */
  addCheck(name: string, check: ReadinessCheck): void;
  /** Gives a path and everything under it to a handler, which sees the full path and any method. */
  addHandler(prefix: string, handler: RequestListener): void;
  /** Takes no more requests and waits for those in progress; `deadlineSignal` cuts them off. */
  close(deadlineSignal?: AbortSignal): Promise<void>;
}

/**
 * Serves `/healthz` (alive: the event loop answers), `/readyz` (200, or 503 while this process is not to get work; with its
 * state and the outcome of every check) and `/metrics`.
 * @throws {ListenError} when the port cannot be had.
 */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const { host, port, log, metrics, state, checkTimeoutMs = 1_000 } = options;
  const readiness = new Readiness({ state, timeoutMs: checkTimeoutMs });
  const handlers = new Map<string, RequestListener>();
  const server = createOpsHttpServer(log, handlers, {
    "/healthz": (response) => sendJson(response, 200, { status: "ok" }),
    "/readyz": async (response) => {
      const { ready, status, checks } = await readiness.report();
      sendJson(response, ready ? 200 : 503, { status, checks });
    },
    "/metrics": async (response) => {
      const text = await metrics.registry.metrics();
      send(response, 200, metrics.registry.contentType, text);
    },
  });
  const listening = await listenHttp(server, { host, port });

  return {
    ...listening,
    addCheck: (name, check) => readiness.addCheck(name, check),
    addHandler: (prefix, handler) => void handlers.set(prefix, handler),
    close: (deadlineSignal) => closeHttp(server, deadlineSignal),
  };
}

type Page = (response: ServerResponse) => void | Promise<void>;

function createOpsHttpServer(
  log: Logger,
  handlers: ReadonlyMap<string, RequestListener>,
  pages: Readonly<Record<string, Page>>,
): Server {
  const pageAt = new Map(Object.entries(pages));
  return createServer((request, response) => {
    const path = pathOf(request);
    const handler = [...handlers].find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))?.[1];
    if (handler !== undefined) return handler(request, response);

    const page = pageAt.get(path);
    if (page === undefined) return sendJson(response, 404, { detail: "Not Found" });
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      return sendJson(response, 405, { detail: "Method Not Allowed" });
    }
    Promise.resolve(page(response)).catch((err: unknown) => {
      log.error({ err, path }, "operators' page failed");
      sendJson(response, 500, { detail: "Internal Server Error" });
    });
  });
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split("?", 1)[0] ?? "/";
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, "application/json; charset=utf-8", JSON.stringify(body));
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { "Content-Type": contentType, "Cache-Control": "no-store" }).end(body);
}

/** Where a service's traces go; the shape of what `@veil/tracing` starts. */
interface TraceSink {
  tellProblems(log: Logger): void;
  stop(): Promise<void>;
}

export interface OpsParts {
  readonly settings: { readonly METRICS_HOST: string; readonly METRICS_PORT: number };
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Null when traces go nowhere. */
  readonly tracing: TraceSink | null;
}

/** Opens what operators look at, until the service has released all else. @throws {ListenError} */
export async function openOpsServer(
  running: RunningService,
  { settings, log, metrics, tracing }: OpsParts,
): Promise<OpsServer> {
  const ops = await startOpsServer({
    host: settings.METRICS_HOST,
    port: settings.METRICS_PORT,
    log,
    metrics,
    state: () => running.state,
  });
  running.onStop("ops", "ops server", () => ops.close());
  tracing?.tellProblems(log);
  running.onStop("ops", "traces", () => tracing?.stop());
  return ops;
}
