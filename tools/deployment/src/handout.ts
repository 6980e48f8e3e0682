import { realityPublicKey, xrayConfig } from "@veil/xray-config";
import type { MongodbAccess } from "./mongodb-users.ts";
import type { Secrets } from "./secrets.ts";
import type { DeploymentSettings } from "./settings.ts";

/** The programs that are given files, each its own ones alone. */
export const consumers = ["api", "xray-worker", "stats-collector", "redis", "mongodb", "xray", "grafana"] as const;
export type Consumer = (typeof consumers)[number];

/** The files of one consumer by name. */
export type Files = Readonly<Record<string, string>>;

type Service = "api" | "xray-worker" | "stats-collector";

/** The files that each consumer gets, made from the secrets and settings. */
export function handout(secrets: Secrets, settings: DeploymentSettings): Readonly<Record<Consumer, Files>> {
  const redis = { "redis-url": `redis://:${secrets["redis-password"]}@${settings.REDIS_ADDRESS}` };
  const webhooks = { "webhook-secret-key": secrets["webhook-secret-key"] };
  return {
    api: {
      ...redis,
      ...webhooks,
      "api-secret-key": secrets["api-secret-key"],
      ...named("api-readonly-key", settings.API_READONLY_KEY ?? secrets["api-readonly-key"]),
      "reality-public-key": realityPublicKey(secrets["reality-private-key"]),
    },
    "xray-worker": { ...redis, ...webhooks },
    "stats-collector": {
      ...redis,
      ...named("admin-password", settings.ADMIN_PASSWORD ?? secrets["admin-password"]),
    },
    redis: { password: secrets["redis-password"], "redis.conf": redisConfig(secrets["redis-password"], settings) },
    mongodb: { "root-password": secrets["mongodb-root-password"] },
    xray: {
      // Only the worker and the collector share a network with it.
      "config.json": containerXrayConfig("0.0.0.0", secrets, settings),
      "host-network.json": containerXrayConfig("127.0.0.1", secrets, settings),
    },
    grafana: { "admin-password": secrets["grafana-admin-password"] },
  };
}

/** A file for what may be left out. */
function named(name: string, content: string | undefined): Files {
  return content === undefined ? {} : { [name]: content };
}

/** How each service reaches MongoDB, once its user is there or it is known that none is needed. */
export function mongodbHandout(
  secrets: Secrets,
  { MONGODB_ADDRESS }: Pick<DeploymentSettings, "MONGODB_ADDRESS">,
  access: MongodbAccess,
): Readonly<Record<Service, Files>> {
  const uri = (user: Service) => ({
    "mongodb-uri":
      access === "open"
        ? `mongodb://${MONGODB_ADDRESS}/veil`
        : `mongodb://${user}:${secrets[`mongodb-${user}-password`]}@${MONGODB_ADDRESS}/veil?authSource=veil`,
  });
  return { api: uri("api"), "xray-worker": uri("xray-worker"), "stats-collector": uri("stats-collector") };
}

/** Jobs live in Redis alone: it appends them to a file and never evicts one, and refuses new ones while its memory is full. */
function redisConfig(password: string, { REDIS_MAXMEMORY }: Pick<DeploymentSettings, "REDIS_MAXMEMORY">): string {
  return [
    `requirepass ${password}`,
    "appendonly yes",
    "appendfsync everysec",
    `maxmemory ${REDIS_MAXMEMORY}`,
    "maxmemory-policy noeviction",
    'save ""',
    "dir /data",
    "",
  ].join("\n");
}

/** @param apiListen where the gRPC API listens, which whoever reaches it may use */
function containerXrayConfig(apiListen: string, secrets: Secrets, settings: DeploymentSettings): string {
  const serverName = settings.REALITY_SNI ?? settings.REALITY_SERVER_NAME;
  const config = xrayConfig({
    apiListen,
    apiPort: settings.XRAY_API_PORT,
    inboundPort: settings.XRAY_INBOUND_PORT,
    inboundTag: settings.XRAY_INBOUND_TAG,
    realityTarget: settings.REALITY_DEST ?? `${serverName}:443`,
    serverNames: [serverName],
    privateKey: secrets["reality-private-key"],
    shortIds: [settings.REALITY_COMMON_SHORT_ID],
    allowPrivate: settings.XRAY_ALLOW_PRIVATE,
    blocked: settings.XRAY_BLOCKED,
    udp: settings.XRAY_UDP,
  });
  return `${JSON.stringify(config, null, 2)}\n`;
}
