import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import type { IssuedCertificate } from "./certificate-authority.ts";

export interface TlsFront {
  /** `host:port`. */
  readonly address: string;
  /** How many connections it let through so far. */
  readonly admitted: () => number;
  /** Ends the connections that stand; others are let through as before. */
  readonly cut: () => void;
  stop(): Promise<void>;
}

export interface TlsFrontOptions extends IssuedCertificate {
  /** The CA whose certificates are let through. PEM. */
  readonly ca: string;
  /** `host:port` of what stands behind it. */
  readonly target: string;
  /** The address of this machine that it listens on; 127.0.0.1 when left out. */
  readonly listen?: string;
}

/** A proxy before a node's gRPC port: it ends TLS, and lets nobody through without a certificate of the CA. */
export async function startTlsFront({
  ca,
  certificate,
  key,
  target,
  listen = "127.0.0.1",
}: TlsFrontOptions): Promise<TlsFront> {
  const [host, port] = [target.slice(0, target.lastIndexOf(":")), Number(target.slice(target.lastIndexOf(":") + 1))];
  const sockets = new Set<Pick<Socket, "destroy">>();
  let admitted = 0;
  const options = { ca, cert: certificate, key, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ["h2"] };
  const server = createServer(options, (secured) => {
    admitted += 1;
    const plain = connect(port, host);
    for (const [one, other] of [
      [secured, plain],
      [plain, secured],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
    secured.pipe(plain).pipe(secured);
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  server.listen(0, listen);
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the front has no port");
  return {
    address: `${listen}:${bound.port}`,
    admitted: () => admitted,
    cut,
    stop: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
