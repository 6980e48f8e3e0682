import type { Socket } from "node:net";
import { askByUdp } from "@veil/test-support";
import { fetchThroughProxy, openTunnel } from "./fetch-through-proxy.ts";
import { readShareLink, xrayOutbound } from "./read-share-link.ts";
import { type ProxyClient, startProxyClient } from "./start-proxy-client.ts";

/** A real VPN client made from a share link. */
export interface VpnClient {
  /**
   * Fetches a plain-HTTP address through the client and counts the bytes of the body.
   *
   * @param withinMs how long it may be silent; 30 s when absent
   * @throws when there is no answer
   */
  download(url: string, withinMs?: number): Promise<number>;
  /** Sends a body of so many bytes. @throws when there is no answer */
  upload(url: string, bytes: number): Promise<void>;
  /** Opens a connection to `host:port` through the client. @throws when there is no answer */
  connect(target: string): Promise<Socket>;
  /** Sends a datagram to a port of this machine. @returns what comes back; null for nothing */
  askByUdp(port: number, datagram: Buffer, withinMs?: number): Promise<Buffer | null>;
  /** The program's output so far. */
  output(): string;
  stop(): Promise<void>;
}

/**
 * Xray as a client, with an outbound that says what the link says and nothing else.
 *
 * @param from the address of this machine to come from; Xray's choice when absent
 * @throws {ClientRefusal} when Xray does not take what the link says
 */
export async function startVpnClient(xrayBinary: string, link: string, from?: string): Promise<VpnClient> {
  const outbound = { ...xrayOutbound(readShareLink(link)), ...(from !== undefined && { sendThrough: from }) };
  return throughProxy(
    await startProxyClient((port) => ({
      binary: xrayBinary,
      files: {
        "client.json": JSON.stringify({
          log: { loglevel: "error", access: "none" },
          inbounds: [{ listen: "127.0.0.1", port, protocol: "mixed", settings: { udp: true } }],
          outbounds: [outbound],
        }),
      },
      arguments: (directory) => ["run", "-c", `${directory}/client.json`],
    })),
  );
}

export function throughProxy(client: ProxyClient): VpnClient {
  return {
    download: (url, withinMs) => fetchThroughProxy(client.proxyPort, url, withinMs === undefined ? {} : { withinMs }),
    upload: async (url, bytes) => {
      await fetchThroughProxy(client.proxyPort, url, { method: "POST", uploadBytes: bytes });
    },
    connect: (target) => openTunnel(client.proxyPort, target),
    askByUdp: (port, datagram, withinMs) => askByUdp(client.proxyPort, { host: "127.0.0.1", port }, datagram, withinMs),
    output: () => client.output(),
    stop: () => client.stop(),
  };
}
