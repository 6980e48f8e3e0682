import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** One write as it came. */
export interface ProxiedWrite {
  readonly method: string;
  readonly idempotencyKey: string | null;
}

/** Stands before an API, loses the first answer to each write, and answers the second attempt itself: 503, come again. */
export interface FlakyProxy {
  readonly url: string;
  readonly writes: ProxiedWrite[];
  close(): Promise<void>;
}

/** @param target address of the API */
export async function startFlakyProxy(target: string): Promise<FlakyProxy> {
  const writes: ProxiedWrite[] = [];
  const attempts = new Map<string, number>();
  const server = createServer((request, response) => void pass(request, response));

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/", headers } = request;
    const body = await text(request);
    const isRead = method === "GET";
    const key = headers["idempotency-key"];
    const idempotencyKey = typeof key === "string" ? key : null;
    const attempt = (attempts.get(`${idempotencyKey}`) ?? 0) + 1;
    if (!isRead) {
      attempts.set(`${idempotencyKey}`, attempt);
      writes.push({ method, idempotencyKey });
    }
    if (!isRead && attempt === 2) {
      response.writeHead(503, { "Content-Type": "application/json", "Retry-After": "1" }).end('{"detail":"not now"}');
      return;
    }
    const answer = await fetch(target + url, {
      method,
      headers: {
        authorization: headers.authorization ?? "",
        "content-type": headers["content-type"] ?? "application/json",
        ...(idempotencyKey !== null && { "idempotency-key": idempotencyKey }),
      },
      ...(body !== "" && { body }),
    });
    const answered = await answer.text();
    if (!isRead && attempt === 1) request.socket.destroy();
    else response.writeHead(answer.status, { "Content-Type": "application/json" }).end(answered);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has an address of this kind
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    writes,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
