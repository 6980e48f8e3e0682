import { request } from "node:http";
import type { Socket } from "node:net";
import { readShareLink, xrayOutbound } from "./read-share-link.ts";
import { startProxyClient } from "./start-proxy-client.ts";

/** Many links tried by one real Xray client: each has an account of its own on the client's local proxy. */
export interface KeyProber {
  /** Whether a request through the tunnel of this link is answered within the time. */
  connects(link: string, url: string, withinMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

/** @throws {ClientRefusal} when Xray does not take what one of the links says */
export async function startKeyProber(xrayBinary: string, links: readonly string[]): Promise<KeyProber> {
  const client = await startProxyClient((port) => ({
    binary: xrayBinary,
    files: { "client.json": JSON.stringify(clientConfig(links, port)) },
    arguments: (directory) => ["run", "-c", `${directory}/client.json`],
  }));
  return {
    connects: async (link, url, withinMs) => {
      try {
        await fetchThrough(client.proxyPort, readShareLink(link).id, url, withinMs);
        return true;
      } catch {
        return false;
      }
    },
    stop: () => client.stop(),
  };
}

/**
 * A link that was never given out: that of another key with this uuid in it, as a key would have had that was refused,
 * or that is deleted by now.
 */
export function linkOfNoKey(uuid: string, linkOfAnother: string): string {
  const link = new URL(linkOfAnother);
  link.username = uuid;
  return link.href;
}

/** The tag of an outbound is the uuid here, not the link's name: names may be equal. */
function clientConfig(links: readonly string[], port: number): object {
  const read = links.map((link) => readShareLink(link));
  const accounts = read.map(({ id }) => ({ user: id, pass: id }));
  return {
    log: { loglevel: "error", access: "none" },
    inbounds: [{ listen: "127.0.0.1", port, protocol: "http", settings: { accounts } }],
    outbounds: read.map((link) => ({ ...xrayOutbound(link), tag: link.id })),
    routing: { rules: read.map(({ id }) => ({ user: [id], outboundTag: id })) },
  };
}

function fetchThrough(proxyPort: number, uuid: string, url: string, withinMs: number): Promise<void> {
  const signal = AbortSignal.timeout(withinMs);
  const authorization = `Basic ${Buffer.from(`${uuid}:${uuid}`).toString("base64")}`;
  return new Promise((resolve, reject) => {
    const asking = request({
      host: "127.0.0.1",
      port: proxyPort,
      method: "CONNECT",
      path: new URL(url).host,
      headers: { "proxy-authorization": authorization },
      agent: false,
      signal,
    });
    asking.on("error", reject);
    asking.on("connect", (answer, tunnel: Socket) => {
      tunnel.on("error", reject);
      if (answer.statusCode !== 200) reject(new Error(`the tunnel answered ${answer.statusCode}`));
      const fetching = request(url, { createConnection: () => tunnel, signal }, (incoming) => {
        incoming.resume();
        incoming.on("error", reject);
        incoming.on("end", () => {
          tunnel.destroy();
          resolve();
        });
      });
      fetching.on("error", reject);
      fetching.end();
    });
    asking.end();
  });
}
