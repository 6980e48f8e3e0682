import { setTimeout as sleep } from "node:timers/promises";
import { NotingKeyStore } from "@veil/keys";
import { openMongoStore } from "@veil/mongo";
import { vlessFlowOf } from "@veil/protocols";
import { ChangedKeyIndex, connectRedis, KeyLeases, probeWithClock } from "@veil/redis";
import { engineVariables, SharedClock } from "@veil/runtime";
import {
  configFileVariables,
  nodeSettings,
  nodeTlsVariables,
  nodeVariables,
  realityVariables,
  requireConfigNode,
  requireTlsFolder,
} from "@veil/settings";
import { configCheck, XrayConfigFile } from "@veil/xray-config";
import { CertificateFolder, connectXrayNode } from "@veil/xray-grpc";
import { z } from "zod";
import { ImportError } from "./import-errors.ts";
import type { ImportPorts } from "./import-keys.ts";

/** The importer's variables: those of the worker that it needs, with the same meaning. */
export const importSettings = z
  .object({
    ...nodeVariables,
    ...engineVariables,
    ...realityVariables,
    ...nodeTlsVariables,
    ...configFileVariables,
  })
  .superRefine(requireConfigNode)
  .superRefine(requireTlsFolder);

type ImportSettings = z.output<typeof importSettings>;

const LONGEST_CONNECT_MS = 10_000;
const ASK_AGAIN_MS = 20;

/** Thrown when Redis or MongoDB does not answer at the start. */
class EngineAwayError extends ImportError {
  override readonly name = "EngineAwayError";

  constructor(engine: string) {
    super(`${engine} does not answer`);
  }
}

/** Connects to everything that the settings name. @throws {EngineAwayError | StoreUnavailableError} */
export async function openPorts(
  settings: ImportSettings,
  watched: Pick<ImportPorts, "signal" | "onProgress">,
): Promise<{ readonly ports: ImportPorts; close(): Promise<void> }> {
  const flow = vlessFlowOf(settings.REALITY_FLOW);
  // A worker's setting decides for keys of before the upgrade, not the one beside which an import or its trial happens to run.
  const olderFlow = { setting: flow, record: false };
  const clock = new SharedClock();
  const now = () => clock.now();
  const store = openMongoStore({ uri: settings.MONGODB_URI, onError: () => undefined, olderFlow, now });
  const redis = connectRedis(settings.REDIS_URL, "fail-fast", () => undefined);
  const listed = nodeSettings(settings);
  const certificates = new CertificateFolder(settings.XRAY_TLS_DIR);
  const nodes = listed.map(({ name, address, inboundTag, tls }) =>
    connectXrayNode({ name, address, inboundTag, identity: certificates.identity(tls) }),
  );
  const close = async () => {
    for (const node of nodes) node.close();
    redis.disconnect();
    await store.close();
  };
  try {
    await until("Redis", () => redis.status === "ready");
    await probeWithClock(redis, settings.QUEUE_PREFIX, clock);
    await until("MongoDB", () => store.connected);
    await store.housekeeping.prepare();
    const exclusive = { redis, prefix: settings.QUEUE_PREFIX };
    return {
      ports: {
        ...watched,
        clock,
        nodes,
        // Workers hear of what is imported as of any other key.
        store: new NotingKeyStore(store.keys, new ChangedKeyIndex(redis, settings.QUEUE_PREFIX)),
        desired: store.desired,
        housekeeping: store.housekeeping,
        reader: store.keyReader,
        records: store.traffic,
        lives: store.nodeLives,
        lease: new KeyLeases(redis, settings.QUEUE_PREFIX),
        exclusive,
        flow,
        config: configOf(settings, listed),
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function configOf(settings: ImportSettings, nodes: ReturnType<typeof nodeSettings>): ImportPorts["config"] {
  const { XRAY_CONFIG_PATH: path, XRAY_BINARY: binary, REALITY_COMMON_SHORT_ID: shortId } = settings;
  const node = nodes.find(({ name }) => name === settings.XRAY_CONFIG_NODE) ?? nodes[0];
  if (path === undefined || node === undefined) return null;
  const file = new XrayConfigFile({ path, ...(binary !== undefined && { check: configCheck(binary) }) });
  return { file, node: node.name, inboundTag: node.inboundTag, shortId };
}

async function until(engine: string, isThere: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + LONGEST_CONNECT_MS;
  while (!isThere()) {
    if (performance.now() > giveUpAt) throw new EngineAwayError(engine);
    await sleep(ASK_AGAIN_MS);
  }
}
