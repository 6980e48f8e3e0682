import { type ClientRequest, request } from "node:http";
import type { Socket } from "node:net";

const ANSWER_TIMEOUT_MS = 30_000;

export interface ProxiedRequest {
  readonly method?: string;
  /** Bytes of the request's body. */
  readonly uploadBytes?: number;
  /** How long each of proxy and server may be silent; 30 s when absent. */
  readonly withinMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}
const uploadChunk = Buffer.alloc(64 * 1024, 7);

/**
 * Asks for a plain-HTTP address through a local HTTP proxy.
 *
 * @returns the bytes of the answer's body
 * @throws when the proxy or the server does not answer 200 in time
 */
export async function fetchThroughProxy(
  proxyPort: number,
  url: string,
  { method = "GET", uploadBytes = 0, withinMs = ANSWER_TIMEOUT_MS, headers = {} }: ProxiedRequest = {},
): Promise<number> {
  const tunnel = await openTunnel(proxyPort, new URL(url).host, withinMs);
  try {
    return await exchangeOver(tunnel, url, { method, uploadBytes, withinMs, headers });
  } finally {
    tunnel.destroy();
  }
}

/**
 * Opens a connection to `host:port` through a local HTTP proxy.
 *
 * @throws when the proxy does not answer 200 in time
 */
export function openTunnel(proxyPort: number, target: string, withinMs = ANSWER_TIMEOUT_MS): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const asking = request({
      host: "127.0.0.1",
      port: proxyPort,
      method: "CONNECT",
      path: target,
      agent: false,
      timeout: withinMs,
    });
    asking.on("connect", (answer, socket: Socket) => {
      if (answer.statusCode === 200) resolve(socket);
      else reject(new Error(`the tunnel answered ${answer.statusCode}`));
    });
    asking.on("timeout", () => asking.destroy(new Error("no answer of the proxy")));
    asking.on("error", reject);
    asking.end();
  });
}

function exchangeOver(
  tunnel: Socket,
  url: string,
  { method, uploadBytes, withinMs, headers }: Required<ProxiedRequest>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    // A request says nothing of a connection that was over before it began, nor does its time limit.
    const isOver = () => reject(new Error("the tunnel was closed"));
    if (tunnel.destroyed || tunnel.readableEnded) {
      isOver();
      return;
    }
    tunnel.once("close", isOver);
    const outgoing = request(
      url,
      {
        method,
        createConnection: () => tunnel,
        timeout: withinMs,
        headers: { ...headers, "content-length": uploadBytes },
      },
      (incoming) => {
        let bytes = 0;
        incoming.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
        });
        incoming.on("error", reject);
        incoming.on("end", () => {
          if (incoming.statusCode === 200) resolve(bytes);
          else reject(new Error(`answered ${incoming.statusCode}`));
        });
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer through the tunnel")));
    outgoing.on("error", reject);
    writeBytes(outgoing, uploadBytes);
  });
}

function writeBytes(outgoing: ClientRequest, bytes: number): void {
  let left = bytes;
  const pump = () => {
    while (left > 0) {
      const chunk = left >= uploadChunk.length ? uploadChunk : uploadChunk.subarray(0, left);
      left -= chunk.length;
      if (!outgoing.write(chunk)) {
        outgoing.once("drain", pump);
        return;
      }
    }
    outgoing.end();
  };
  pump();
}
