import type { CallWatch } from "../taps/call-watch.ts";
import { mongoFrames } from "../taps/mongo-frames.ts";
import { redisFrames } from "../taps/redis-frames.ts";
import { startTcpTap } from "../taps/tcp-tap.ts";
import { startXrayTap } from "../taps/xray-tap.ts";
import type { PlantEngines } from "./start-engines.ts";

/** Where a service finds its engines. */
export interface EngineAddresses {
  readonly redisUrl: string;
  readonly mongodbUri: string;
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
}

export interface Taps {
  readonly addresses: EngineAddresses;
  close(): Promise<void>;
}

export function directAddresses({ redisPort, mongodbPort, nodes }: PlantEngines): EngineAddresses {
  return addressesOf(
    redisPort,
    mongodbPort,
    nodes.map(({ name, api }) => ({ name, address: api })),
  );
}

/** Taps in front of all engines, for one service. */
export async function startTaps(engines: PlantEngines, watch: CallWatch): Promise<Taps> {
  const { redisPort, mongodbPort } = engines;
  const redis = await startTcpTap({
    engine: "redis",
    upstreamPort: redisPort,
    watch,
    requests: () => redisFrames("requests"),
    replies: () => redisFrames("replies"),
  });
  const mongodb = await startTcpTap({
    engine: "mongodb",
    upstreamPort: mongodbPort,
    watch,
    requests: () => mongoFrames("requests"),
    replies: () => mongoFrames("replies"),
  });
  const nodes = await Promise.all(
    engines.nodes.map(async ({ name, api }) => ({ name, tap: await startXrayTap({ upstream: api, watch }) })),
  );
  const tapped = nodes.map(({ name, tap }) => ({ name, address: `127.0.0.1:${tap.port}` }));
  return {
    addresses: addressesOf(redis.port, mongodb.port, tapped),
    close: async () => {
      await Promise.all([redis, mongodb, ...nodes.map(({ tap }) => tap)].map((tap) => tap.close()));
    },
  };
}

function addressesOf(redisPort: number, mongodbPort: number, nodes: EngineAddresses["nodes"]): EngineAddresses {
  return {
    redisUrl: `redis://127.0.0.1:${redisPort}`,
    mongodbUri: `mongodb://127.0.0.1:${mongodbPort}/veil`,
    nodes,
  };
}
