import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EngineProcess, freePort, startTlsDecoy, startXray } from "@veil/engines";
import { ensureXrayConfig, makeRealityKeys, type UdpPolicy } from "@veil/xray-config";
import { z } from "zod";

/** A real Xray with one empty VLESS+REALITY inbound, on free ports, for one test file. */
export interface TestXray {
  /** `host:port` of its gRPC API. */
  readonly api: string;
  readonly inboundTag: string;
  readonly inboundPort: number;
  /** The ports of its further inbounds, by their tags. */
  readonly ports: Readonly<Record<string, number>>;
  readonly publicKey: string;
  readonly serverName: string;
  readonly shortId: string;
  readonly process: EngineProcess;
  /** Ends it as a crash would and resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again, after its end, on the same ports, with the configuration that it had: no users. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestXrayOptions {
  /** How its REALITY target treats an idle connection: websites keep it. "close", which is quick, when absent. */
  readonly targetIdle?: "close" | "keep";
  /** Whether datagrams get out. "block" when absent, as in the configs that are made by default. */
  readonly udp?: UdpPolicy;
  /** Inbounds beside the one of VLESS, by their tags: with its Reality, and no users; Shadowsocks without it, with one user. */
  readonly inbounds?: Readonly<Record<string, TestInbound>>;
}

export interface TestInbound {
  readonly protocol: "vless" | "trojan" | "shadowsocks-2022";
  /** XHTTP's; TCP when left out. */
  readonly path?: string;
  /** Shadowsocks' key of the server, for the method `2022-blake3-aes-256-gcm` when it is one of 32 bytes. */
  readonly serverKey?: string;
  /** VLESS encryption as the server names it; none when left out. */
  readonly decryption?: string;
  /** Whether Shadowsocks has no user, so that it takes none. */
  readonly isForOneKey?: boolean;
}

/** Starts it with a target whose certificate it trusts; on macOS that takes no effect, see `XrayOptions.trustedRoots`. */
export async function startTestXray(
  binary: string,
  { targetIdle = "close", udp = "block", inbounds = {} }: TestXrayOptions = {},
): Promise<TestXray> {
  const dir = await mkdtemp(join(tmpdir(), "veil-xray-"));
  const serverName = "decoy.test";
  const decoy = await startTlsDecoy({ serverName, idle: targetIdle });
  const apiPort = await freePort();
  const inboundPort = await freePort();
  const { privateKey, publicKey } = makeRealityKeys();
  const shortId = "7bb45050";
  const configFile = join(dir, "xray.json");
  await ensureXrayConfig(configFile, {
    apiPort,
    inboundPort,
    inboundListen: "127.0.0.1",
    realityTarget: `127.0.0.1:${decoy.port}`,
    serverNames: [serverName],
    privateKey,
    shortIds: [shortId],
    allowPrivate: true,
    udp,
  });
  const ports = await addInbounds(configFile, inbounds);
  const trustedRoots = join(dir, "roots.pem");
  await writeFile(trustedRoots, decoy.certificate);
  const start = () =>
    startXray({ binary, configFile, apiPort, inboundPorts: [inboundPort, ...Object.values(ports)], trustedRoots });
  let running = await start();
  let isKilled = false;
  const kill = async () => {
    if (isKilled) return;
    isKilled = true;
    process.kill(running.pid, "SIGKILL");
    await running.exited;
  };
  return {
    api: running.api,
    inboundTag: "vless-in",
    inboundPort,
    ports,
    publicKey,
    serverName,
    shortId,
    get process() {
      return running;
    },
    kill,
    restart: async () => {
      await kill();
      running = await start();
      isKilled = false;
    },
    stop: async () => {
      await running.stop();
      await decoy.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A config file as far as further inbounds are made of its first one. */
const configWithInbound = z.looseObject({
  inbounds: z.tuple([z.looseObject({ streamSettings: z.looseObject({}) })]).rest(z.looseObject({})),
});

async function addInbounds(
  configFile: string,
  inbounds: NonNullable<TestXrayOptions["inbounds"]>,
): Promise<Record<string, number>> {
  // As it was written otherwise: tests edit its text.
  if (Object.keys(inbounds).length === 0) return {};
  const config = configWithInbound.parse(JSON.parse(await readFile(configFile, "utf8")));
  const [first] = config.inbounds;
  const ports: Record<string, number> = {};
  for (const [tag, { protocol, path, serverKey = "", isForOneKey = false, decryption = "none" }] of Object.entries(
    inbounds,
  )) {
    const port = await freePort();
    ports[tag] = port;
    if (protocol === "shadowsocks-2022") {
      const { streamSettings: _, ...same } = first;
      config.inbounds.push({
        ...same,
        tag,
        port,
        protocol: "shadowsocks",
        settings: shadowsocksSettings(serverKey, isForOneKey),
      });
      continue;
    }
    const settings = { clients: [], ...(protocol === "vless" && { decryption }) };
    const xhttp = path === undefined ? {} : { network: "xhttp", xhttpSettings: { path } };
    config.inbounds.push({
      ...first,
      tag,
      port,
      protocol,
      settings,
      streamSettings: { ...first.streamSettings, ...xhttp },
    });
  }
  await writeFile(configFile, JSON.stringify(config));
  return ports;
}

const SHORT_KEY_BYTES = 16;

/** With a client of its own, without which Xray would take no users. */
function shadowsocksSettings(serverKey: string, isForOneKey: boolean): object {
  const { length } = Buffer.from(serverKey, "base64");
  const password = Buffer.alloc(length, "first").toString("base64");
  const method = length === SHORT_KEY_BYTES ? "2022-blake3-aes-128-gcm" : "2022-blake3-aes-256-gcm";
  const clients = isForOneKey ? [] : [{ email: "first@test", password }];
  return { method, password: serverKey, clients, network: "tcp,udp" };
}
