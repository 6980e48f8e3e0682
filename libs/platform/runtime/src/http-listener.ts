import { once } from "node:events";
import type { Server, ServerResponse } from "node:http";
import { coerceError } from "./coerce-error.ts";

/** Thrown when an address cannot be listened on: the port is taken, the host is not this machine's, or not allowed. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly host: string;
  readonly port: number;
  /** The system's code, for example `EADDRINUSE`. */
  readonly code: string;

  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? "unknown";
    super(`cannot listen on ${host}:${port}: ${LISTEN_FAULTS[code] ?? cause.message}`, { cause });
    this.host = host;
    this.port = port;
    this.code = code;
  }
}

const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is taken by another process",
  EADDRNOTAVAIL: "this machine has no such address",
  EACCES: "this user may not use the port",
  ENOTFOUND: "the host name is unknown",
};

/**
 * Starts listening.
 * @param at `port` 0 takes any free port.
 * @returns the port, and a URL that reaches the server from this machine.
 * @throws {ListenError}
 */
export async function listenHttp(
  server: Server,
  { host, port }: { host: string; port: number },
): Promise<{ port: number; url: string }> {
  trackResponses(server);
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    throw new ListenError(host, port, coerceError(error));
  }
  const address = server.address();
  const listeningPort = typeof address === "object" && address !== null ? address.port : port;
  return { port: listeningPort, url: `http://${reachableHost(host)}:${listeningPort}` };
}

/** Addresses that stand for every interface are no destination. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

/** Responses in progress of every server that was started here. */
const openResponses = new WeakMap<Server, Set<ServerResponse>>();

/** Node closes connections that are idle when the server closes, but not those that become idle afterwards. */
function trackResponses(server: Server): void {
  const open = new Set<ServerResponse>();
  openResponses.set(server, open);
  server.prependListener("request", (_, response) => {
    open.add(response);
    if (!server.listening) announceClose(response);
    response.once("close", () => {
      open.delete(response);
      if (!server.listening) server.closeIdleConnections();
    });
  });
}

/** Tells the client not to send its next request over this connection. */
function announceClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("Connection", "close");
}

/**
 * Takes no new connections, closes idle ones, waits for the requests in progress and closes their connections, too,
 * kept alive or not. Does nothing on a server that does not listen.
 * @param deadlineSignal When aborted, requests in progress are cut off.
 */
export async function closeHttp(server: Server, deadlineSignal?: AbortSignal): Promise<void> {
  const cut = () => server.closeAllConnections();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const response of openResponses.get(server) ?? []) announceClose(response);
  if (deadlineSignal?.aborted === true) cut();
  deadlineSignal?.addEventListener("abort", cut, { once: true });
  await closed;
  deadlineSignal?.removeEventListener("abort", cut);
}
