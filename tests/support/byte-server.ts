import { once } from "node:events";
import { createServer } from "node:http";

/** A local web server that sends and takes bytes: the other end of the tunnel. */
export interface ByteServer {
  /** Answers a body of so many bytes. */
  downloadUrl(bytes: number): string;
  readonly uploadUrl: string;
  stop(): Promise<void>;
}

const chunk = Buffer.alloc(64 * 1024, 42);

/** @param host the address of this machine that it listens on */
export async function startByteServer(host = "127.0.0.1"): Promise<ByteServer> {
  const server = createServer((incoming, outgoing) => {
    incoming.resume();
    incoming.on("end", () => {
      let left = Number(/^\/bytes\/(\d+)$/.exec(incoming.url ?? "")?.[1] ?? 0);
      outgoing.writeHead(200, { "content-length": left });
      const pump = () => {
        while (left > 0) {
          const part = left >= chunk.length ? chunk : chunk.subarray(0, left);
          left -= part.length;
          if (!outgoing.write(part)) {
            outgoing.once("drain", pump);
            return;
          }
        }
        outgoing.end();
      };
      pump();
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the byte server has no port");
  const { port } = address;
  return {
    downloadUrl: (bytes) => `http://${host}:${port}/bytes/${bytes}`,
    uploadUrl: `http://${host}:${port}/upload`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
