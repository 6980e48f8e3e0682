import { type ClientRequest, request } from "node:http";
import type { Socket } from "node:net";
import { startXrayClient } from "./start-xray-client.ts";

/** A real Xray client made from a share link, with a local HTTP proxy as its entrance. */
export interface VpnClient {
  /** Fetches a plain-HTTP address through the tunnel and counts the bytes of the body. @throws when the tunnel fails */
  download(url: string): Promise<number>;
  /** Sends a body of so many bytes through the tunnel. @throws when the tunnel fails */
  upload(url: string, bytes: number): Promise<void>;
  stop(): Promise<void>;
}

const answerTimeoutMs = 30_000;

export async function startVpnClient(xrayBinary: string, link: string): Promise<VpnClient> {
  const client = await startXrayClient(xrayBinary, (proxyPort) => clientConfig(link, proxyPort));
  return {
    download: (url) => exchange(client.proxyPort, url, "GET"),
    upload: async (url, bytes) => {
      await exchange(client.proxyPort, url, "POST", bytes);
    },
    stop: () => client.stop(),
  };
}

/** What an app makes of the link when it is imported. */
function clientConfig(link: string, proxyPort: number): object {
  const address = new URL(link);
  const parameter = (name: string) => address.searchParams.get(name) ?? "";
  const flow = parameter("flow");
  return {
    log: { loglevel: "error", access: "none" },
    inbounds: [{ listen: "127.0.0.1", port: proxyPort, protocol: "http" }],
    outbounds: [
      {
        protocol: "vless",
        settings: {
          vnext: [
            {
              address: address.hostname.replace(/^\[|\]$/g, ""),
              port: Number(address.port),
              users: [{ id: address.username, encryption: "none", flow: flow === "none" ? "" : flow }],
            },
          ],
        },
        streamSettings: {
          network: parameter("type"),
          security: parameter("security"),
          realitySettings: {
            serverName: parameter("sni"),
            fingerprint: parameter("fp"),
            publicKey: parameter("pbk"),
            shortId: parameter("sid"),
            spiderX: parameter("spx"),
          },
        },
      },
    ],
  };
}

const uploadChunk = Buffer.alloc(64 * 1024, 7);

async function exchange(proxyPort: number, url: string, method: string, uploadBytes = 0): Promise<number> {
  const tunnel = await openTunnel(proxyPort, new URL(url).host);
  try {
    return await exchangeOver(tunnel, url, method, uploadBytes);
  } finally {
    tunnel.destroy();
  }
}

function openTunnel(proxyPort: number, target: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port: proxyPort, method: "CONNECT", path: target, agent: false });
    asking.on("connect", (answer, socket: Socket) => {
      if (answer.statusCode === 200) resolve(socket);
      else reject(new Error(`the tunnel answered ${answer.statusCode}`));
    });
    asking.on("error", reject);
    asking.end();
  });
}

function exchangeOver(tunnel: Socket, url: string, method: string, uploadBytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method, createConnection: () => tunnel, timeout: answerTimeoutMs, headers: { "content-length": uploadBytes } },
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
