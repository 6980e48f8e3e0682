import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, isListening, startProcess, untilReady } from "@veil/engines";
import type { TestXray } from "@veil/test-support";

/** A real Xray client that carries all its streams in one connection, and leads to one web server. */
export interface MuxClient {
  /** Asks for a page in a stream of its own. @returns the status @throws when the stream is cut */
  get(): Promise<number | undefined>;
  stop(): Promise<void>;
}

export async function startMuxClient(
  binary: string,
  server: TestXray,
  uuid: string,
  targetPort: number,
): Promise<MuxClient> {
  const folder = await mkdtemp(join(tmpdir(), "veil-mux-"));
  const port = await freePort();
  const config = join(folder, "client.json");
  await writeFile(config, JSON.stringify(clientConfig(server, uuid, port, targetPort)), { mode: 0o600 });
  const client = await startProcess({ binary, args: ["run", "-c", config] });
  const outcome = await untilReady(client, () => isListening(port), Number.POSITIVE_INFINITY);
  if (outcome !== "ready") throw new Error("the Xray client ended");
  return {
    get: () => get(port),
    stop: async () => {
      await client.stop(0);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function get(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port, agent: false, timeout: 10_000 }, (answer) => {
      answer.resume();
      answer.on("error", reject);
      answer.on("end", () => resolve(answer.statusCode));
    });
    asking.on("timeout", () => asking.destroy(new Error("no answer in time")));
    asking.on("error", reject);
    asking.end();
  });
}

function clientConfig(server: TestXray, uuid: string, port: number, targetPort: number) {
  return {
    log: { loglevel: "error", access: "none" },
    inbounds: [
      {
        listen: "127.0.0.1",
        port,
        protocol: "dokodemo-door",
        settings: { address: "127.0.0.1", port: targetPort, network: "tcp" },
      },
    ],
    outbounds: [
      {
        protocol: "vless",
        mux: { enabled: true, concurrency: 128 },
        settings: {
          vnext: [{ address: "127.0.0.1", port: server.inboundPort, users: [{ id: uuid, encryption: "none" }] }],
        },
        streamSettings: {
          network: "tcp",
          security: "reality",
          realitySettings: {
            serverName: server.serverName,
            fingerprint: "chrome",
            publicKey: server.publicKey,
            shortId: server.shortId,
          },
        },
      },
    ],
  };
}
