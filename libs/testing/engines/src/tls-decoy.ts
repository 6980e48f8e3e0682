import { once } from "node:events";
import { createSecureServer } from "node:http2";
import type { Socket } from "node:net";
import { connect, createServer, type Server, type TlsOptions } from "node:tls";
import { freePort } from "./tcp.ts";

export interface TlsDecoy {
  port: number;
  /** Its self-signed certificate, PEM. A client that lists it as a root certificate trusts the decoy. */
  certificate: string;
  close(): Promise<void>;
}

export interface TlsDecoyOptions {
  /** The DNS name of its certificate. */
  serverName: string;
  /** A free one when absent. */
  port?: number;
  /**
   * How it treats a connection without a request: closed after the handshake, or kept open, with HTTP/1.1 and HTTP/2 on
   * offer, as websites do. "close" when absent.
   */
  idle?: "close" | "keep";
}

/**
 * Starts a TLS 1.3 server on loopback that can stand in for a REALITY target where the real one cannot be reached.
 * It carries tunnels as well as any, and hides nothing from someone who looks: its certificate is self-signed.
 */
export async function startTlsDecoy({ serverName, port: wanted, idle = "close" }: TlsDecoyOptions): Promise<TlsDecoy> {
  const { certificate, privateKey } = await selfSignedCertificate(serverName);
  const port = wanted ?? (await freePort());
  const identity = { cert: certificate, key: privateKey, minVersion: "TLSv1.3" } as const;
  const server = idle === "keep" ? websiteServer(identity) : closingServer(identity);
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  const connections = trackConnections(server);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");

  const close = async () => {
    const closed = once(server, "close");
    server.close();
    for (const connection of connections) connection.destroy();
    await closed;
  };
  return { port, certificate, close };
}

function closingServer(identity: TlsOptions): Server {
  return createServer(identity, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  });
}

function websiteServer(identity: TlsOptions): Server {
  return createSecureServer({ ...identity, allowHTTP1: true }, (_request, response) => {
    response.writeHead(204).end();
  });
}

function trackConnections(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>();
  server.on("connection", (connection: Socket) => {
    connections.add(connection);
    connection.on("error", () => connection.destroy());
    connection.once("close", () => connections.delete(connection));
  });
  return connections;
}

const TARGET_WITHIN_MS = 2_500;

/** Whether a REALITY target ("host:port") answers a TLS 1.3 handshake for `serverName` within 2.5 s. */
export function isTlsTargetReachable(target: string, serverName: string): Promise<boolean> {
  const colon = target.lastIndexOf(":");
  const host = target.slice(0, colon).replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(target.slice(colon + 1)),
      servername: serverName,
      minVersion: "TLSv1.3",
      // Its certificate is for visitors to check: REALITY only needs the handshake.
      rejectUnauthorized: false,
    });
    const finish = (reachable: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reachable);
    };
    const timer = setTimeout(() => finish(false), TARGET_WITHIN_MS);
    socket.once("secureConnect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}

interface SelfSignedCertificate {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS #8. */
  privateKey: string;
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/** A fresh P-256 key with a certificate for the DNS name `serverName`, valid from a day before `now` for ten years. */
export async function selfSignedCertificate(serverName: string, now = new Date()): Promise<SelfSignedCertificate> {
  // Loading it takes 0.1 s, and few starts need a certificate.
  const { generate } = await import("selfsigned");
  const made = await generate([{ name: "commonName", value: serverName }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(now.getTime() - DAY_MS),
    notAfterDate: new Date(now.getTime() + 3_650 * DAY_MS),
  });
  return { certificate: made.cert, privateKey: made.private };
}
