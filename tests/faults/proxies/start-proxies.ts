import type { EngineAddresses } from "@veil/engines";
import type { CallWatch } from "./call-watch.ts";
import { mongoFrames } from "./mongo-frames.ts";
import { redisFrames } from "./redis-frames.ts";
import { startTcpProxy } from "./tcp-proxy.ts";
import { startXrayProxy } from "./xray-proxy.ts";

export interface RunningProxies {
  /** Those of the proxies. */
  readonly addresses: EngineAddresses;
  close(): Promise<void>;
}

/** Proxies in front of all engines, for one service. */
export async function startProxies(direct: EngineAddresses, watch: CallWatch): Promise<RunningProxies> {
  const redis = await startTcpProxy({
    engine: "redis",
    upstreamPort: portOf(direct.redisUrl),
    watch,
    requests: () => redisFrames("requests"),
    replies: () => redisFrames("replies"),
  });
  const mongodb = await startTcpProxy({
    engine: "mongodb",
    upstreamPort: portOf(direct.mongodbUri),
    watch,
    requests: () => mongoFrames("requests"),
    replies: () => mongoFrames("replies"),
  });
  const nodes = await Promise.all(
    direct.nodes.map(async ({ name, address }) => ({
      name,
      proxy: await startXrayProxy({ upstream: address, watch }),
    })),
  );
  return {
    addresses: {
      redisUrl: withPort(direct.redisUrl, redis.port),
      mongodbUri: withPort(direct.mongodbUri, mongodb.port),
      nodes: nodes.map(({ name, proxy }) => ({ name, address: `127.0.0.1:${proxy.port}` })),
    },
    close: async () => {
      await Promise.all([redis, mongodb, ...nodes.map(({ proxy }) => proxy)].map((proxy) => proxy.close()));
    },
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}
