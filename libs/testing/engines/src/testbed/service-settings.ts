import { INBOUND_TAG, SERVER_NAME, SHORT_ID } from "./testbed-node.ts";

/** Where a service finds its engines. */
export interface EngineAddresses {
  readonly redisUrl: string;
  readonly mongodbUri: string;
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
}

export interface ServicePorts {
  readonly opsPort: number;
  readonly apiPort: number;
  readonly apiKey: string;
  readonly realityPort: number;
  readonly realityPublicKey: string;
}

/** The settings of a service of a testbed; what a service does not know it does not read. */
export function serviceSettings(addresses: EngineAddresses, ports: ServicePorts): Record<string, string> {
  return {
    REDIS_URL: addresses.redisUrl,
    MONGODB_URI: addresses.mongodbUri,
    XRAY_NODES: JSON.stringify(addresses.nodes),
    XRAY_INBOUND_TAG: INBOUND_TAG,
    METRICS_HOST: "127.0.0.1",
    METRICS_PORT: String(ports.opsPort),
    API_HOST: "127.0.0.1",
    API_PORT: String(ports.apiPort),
    API_SECRET_KEY: ports.apiKey,
    DOMAIN: "127.0.0.1",
    REALITY_PORT: String(ports.realityPort),
    REALITY_SERVER_NAME: SERVER_NAME,
    REALITY_SNI: SERVER_NAME,
    REALITY_PUBLIC_KEY: ports.realityPublicKey,
    REALITY_COMMON_SHORT_ID: SHORT_ID,
  };
}
