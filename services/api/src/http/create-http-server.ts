import { createServer, STATUS_CODES, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { messages } from "@veil/http-contract";
import type { Express } from "express";

/** How long a client may take, in milliseconds, so that slow ones can't hold connections for ever. */
const LIMITS = { headersTimeout: 15_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };
/** Outlasts the idle time of common proxies (60 s), so that they never meet a connection that is being closed. */
export const KEEP_ALIVE_S = 65;

export interface HttpServerOptions {
  readonly newId: () => string;
  /** For how many seconds a connection without a request stays open. */
  readonly keepAliveSeconds: number;
}

/** Makes the server around the application; faults below the application are answered in its form as well. */
export function createHttpServer(app: Express, { newId, keepAliveSeconds }: HttpServerOptions): Server {
  const keepAliveTimeout = keepAliveSeconds * 1_000;
  const server = createServer({ ...LIMITS, keepAliveTimeout, requireHostHeader: false }, app);
  server.on("checkExpectation", app);
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === "ECONNRESET" || !socket.writable) socket.destroy();
    else socket.end(rawAnswer(statusOf(error.code), newId()));
  });
  return server;
}

function statusOf(code: string | undefined): 400 | 408 | 431 {
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
}

function rawAnswer(status: 400 | 408 | 431, requestId: string): string {
  const reason = STATUS_CODES[status] ?? "";
  const detail = { 400: messages.malformedRequest, 408: reason, 431: messages.headersTooLarge }[status];
  const body = JSON.stringify({ detail });
  return [
    `HTTP/1.1 ${status} ${reason}`,
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}
