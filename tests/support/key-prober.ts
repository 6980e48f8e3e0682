import { request } from "node:http";
import type { Socket } from "node:net";
import { startXrayClient } from "./start-xray-client.ts";

/** What a client needs to know of a server, whatever its key. */
export interface ServerFacts {
  readonly port: number;
  readonly publicKey: string;
  readonly serverName: string;
  readonly shortId: string;
}

/** Many keys tried by one real Xray client: each has an account of its own on the client's local proxy. */
export interface KeyProber {
  /** Whether a request through the tunnel of this key is answered within the time. */
  connects(uuid: string, url: string, withinMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

export async function startKeyProber(
  xrayBinary: string,
  server: ServerFacts,
  uuids: readonly string[],
): Promise<KeyProber> {
  const client = await startXrayClient(xrayBinary, (proxyPort) => clientConfig(server, uuids, proxyPort));
  return {
    connects: async (uuid, url, withinMs) => {
      try {
        await fetchThrough(client.proxyPort, uuid, url, withinMs);
        return true;
      } catch {
        return false;
      }
    },
    stop: () => client.stop(),
  };
}

function clientConfig(server: ServerFacts, uuids: readonly string[], proxyPort: number): object {
  const accounts = uuids.map((uuid) => ({ user: uuid, pass: uuid }));
  return {
    log: { loglevel: "error", access: "none" },
    inbounds: [{ listen: "127.0.0.1", port: proxyPort, protocol: "http", settings: { accounts } }],
    outbounds: uuids.map((uuid) => ({
      tag: uuid,
      protocol: "vless",
      settings: {
        vnext: [{ address: "127.0.0.1", port: server.port, users: [{ id: uuid, encryption: "none", flow: "" }] }],
      },
      streamSettings: {
        network: "raw",
        security: "reality",
        realitySettings: {
          serverName: server.serverName,
          fingerprint: "chrome",
          publicKey: server.publicKey,
          shortId: server.shortId,
        },
      },
    })),
    routing: { rules: uuids.map((uuid) => ({ user: [uuid], outboundTag: uuid })) },
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
