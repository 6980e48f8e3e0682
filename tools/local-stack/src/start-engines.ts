import {
  allOrMissing,
  findMongodb,
  findRedis,
  findXray,
  freePort,
  isTlsTargetReachable,
  keepPorts,
  type MongodbEngine,
  startMongodb,
  startRedis,
  startTlsDecoy,
  startXray,
  withProgress,
} from "@veil/engines";
import { ensureXrayConfig, ownAddresses } from "@veil/xray-config";
import { listenAddress } from "./listen-address.ts";
import { ensureRealityIdentity, type RealityIdentity } from "./reality-identity.ts";
import type { Addresses } from "./service-environment.ts";
import type { StackContext } from "./stack-context.ts";
import { supervise } from "./supervise.ts";

/** Finds or makes the engines that no setting names, starts them, and says where all of them are. */
export async function startEngines(context: StackContext): Promise<Addresses> {
  const { settings, env, terminal } = context;
  const search = { progress: terminal.say, env };
  const isXrayOurs = settings.XRAY_API_HOST === undefined && settings.XRAY_NODES === undefined;
  const [redis, mongodb, xray] = await allOrMissing([
    settings.REDIS_URL === undefined ? findRedis(search) : undefined,
    settings.MONGODB_URI === undefined ? findMongodb(search) : undefined,
    isXrayOurs ? findXray(search) : undefined,
  ]);
  // Before any port is chosen: the one that links carry must not become another engine's.
  const identity = xray === undefined ? null : await ensureRealityIdentity(context.data.realityFile, settings);
  keepPorts([settings.API_PORT, ...(identity === null ? [] : [identity.port])]);
  const [redisUrl, mongodbUri, xrayAddresses] = await Promise.all([
    redis === undefined ? useRedis(context) : superviseRedis(context, redis),
    mongodb === undefined ? useMongodb(context) : superviseMongodb(context, mongodb),
    xray === undefined || identity === null ? useXray(context) : superviseXray(context, xray, identity),
  ]);
  return { redisUrl, mongodbUri, xray: xrayAddresses };
}

async function useRedis({ settings, runFile }: StackContext): Promise<string> {
  const url = settings.REDIS_URL ?? "";
  await runFile.set("redis", { pid: null, url });
  return url;
}

async function superviseRedis(context: StackContext, binary: string): Promise<string> {
  const { data, runFile } = context;
  const port = await freePort();
  const redis = await supervise({
    ...context.supervision("redis"),
    start: () => startRedis({ binary, dataDir: data.redis, port, logFile: data.logOf("redis") }),
    onStarted: async ({ pid, url }) => {
      await context.children.started("redis", pid);
      await runFile.set("redis", { pid, url });
    },
  });
  context.stopOrder.add("redis", redis);
  return `redis://127.0.0.1:${port}`;
}

async function useMongodb({ settings, runFile }: StackContext): Promise<string> {
  const uri = settings.MONGODB_URI ?? "";
  await runFile.set("mongodb", { pid: null, uri });
  return uri;
}

async function superviseMongodb(context: StackContext, engine: MongodbEngine): Promise<string> {
  const { data, runFile } = context;
  const port = await freePort();
  const mongodb = await supervise({
    ...context.supervision("mongodb"),
    start: () => startMongodb({ engine, dataDir: data.mongodb, port, logFile: data.logOf("mongodb") }),
    onStarted: async ({ pid, uri }) => {
      await context.children.started("mongodb", pid);
      await runFile.set("mongodb", { pid, uri });
    },
  });
  context.stopOrder.add("mongodb", mongodb);
  return `mongodb://127.0.0.1:${port}/veil`;
}

async function useXray({ settings, runFile }: StackContext): Promise<undefined> {
  const { XRAY_API_HOST, XRAY_API_PORT, XRAY_INBOUND_TAG, REALITY_PORT } = settings;
  await runFile.set("xray", {
    pid: null,
    binary: null,
    api: `${XRAY_API_HOST ?? "127.0.0.1"}:${XRAY_API_PORT}`,
    inbound_tag: XRAY_INBOUND_TAG,
    port: REALITY_PORT ?? null,
    config: null,
  });
}

async function superviseXray(
  context: StackContext,
  binary: string,
  identity: RealityIdentity,
): Promise<NonNullable<Addresses["xray"]>> {
  const { data, runFile, settings } = context;
  const apiPort = await freePort();
  await writeConfig(context, identity, apiPort);
  const xray = await supervise({
    ...context.supervision("xray"),
    start: () =>
      startXray({
        binary,
        configFile: data.xrayConfigFile,
        apiPort,
        inboundPorts: [identity.port],
        logFile: data.logOf("xray"),
      }),
    onStarted: async ({ pid, api }) => {
      await context.children.started("xray", pid);
      await runFile.set("xray", {
        pid,
        binary,
        api,
        inbound_tag: settings.XRAY_INBOUND_TAG,
        port: identity.port,
        config: data.xrayConfigFile,
      });
    },
  });
  context.stopOrder.add("xray", xray);
  return { apiPort, realityPort: identity.port, realityPublicKey: identity.publicKey };
}

async function writeConfig(context: StackContext, identity: RealityIdentity, apiPort: number): Promise<void> {
  const { settings, data } = context;
  const serverNames = [
    ...new Set([settings.REALITY_SERVER_NAME, settings.REALITY_SNI ?? settings.REALITY_SERVER_NAME]),
  ];
  await ensureXrayConfig(data.xrayConfigFile, {
    apiPort,
    inboundPort: identity.port,
    inboundListen: listenAddress(settings.DOMAIN),
    inboundTag: settings.XRAY_INBOUND_TAG,
    realityTarget: await realityTarget(context),
    serverNames,
    privateKey: identity.privateKey,
    shortIds: [settings.REALITY_COMMON_SHORT_ID],
    allowPrivate: settings.XRAY_ALLOW_PRIVATE,
    blocked: [...ownAddresses(), ...settings.XRAY_BLOCKED],
    udp: settings.XRAY_UDP,
  });
}

/** The target of the settings, or a stand-in on loopback that lives as long as this process. */
async function realityTarget({ settings, terminal }: StackContext): Promise<string> {
  const serverName = settings.REALITY_SERVER_NAME;
  const target = settings.REALITY_DEST ?? `${serverName}:443`;
  const isReachable = await withProgress(terminal.say, `Looking for REALITY_DEST ${target}`, () =>
    isTlsTargetReachable(target, serverName),
  );
  if (isReachable) return target;
  const decoy = await startTlsDecoy({ serverName });
  terminal.say(
    `Warning: REALITY_DEST ${target} cannot be reached. A local stand-in takes its place: good for a trial, not for hiding.`,
  );
  return `127.0.0.1:${decoy.port}`;
}
