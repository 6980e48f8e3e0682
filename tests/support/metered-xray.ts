import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort, startTlsDecoy, startXray } from "@veil/engines";
import { PLAIN_KIND, type ProtocolName, shadowsocks2022, trojan } from "@veil/protocols";
import { makeRealityKeys, xrayConfig } from "@veil/xray-config";
import { z } from "zod";

/** A place where a client can connect: an inbound of the server. */
export interface Place {
  readonly tag: string;
  readonly address: string;
  readonly port: number;
  /** VLESS when absent. */
  readonly protocol?: ProtocolName;
  /** XHTTP's path; TCP when absent. */
  readonly path?: string;
  /** Shadowsocks' key of the server. */
  readonly serverKey?: string;
  /** VLESS encryption as the server names it, and as clients do. */
  readonly encrypted?: { readonly decryption: string; readonly encryption: string };
}

/** A real Xray with several Reality inbounds, which counts what each of them moved. */
export interface MeteredXray {
  readonly places: readonly Place[];
  readonly publicKey: string;
  readonly shortId: string;
  readonly sni: string;
  /** Bytes to clients since this was last asked, by the inbound's tag; without those that moved none. */
  takeDownlink(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

const SNI = "decoy.test";
const SHORT_ID = "7e450500";
const stats = z.object({
  stat: z.array(z.object({ name: z.string(), value: z.coerce.number().default(0) })).default([]),
});

/** @param users by UUID, with their flows; on XHTTP all of them have none, on Trojan their passwords, and on Shadowsocks their keys */
export async function startMeteredXray(
  binary: string,
  plans: readonly Omit<Place, "port">[],
  users: Readonly<Record<string, string>>,
): Promise<MeteredXray> {
  const directory = await mkdtemp(join(tmpdir(), "veil-metered-"));
  const decoy = await startTlsDecoy({ serverName: SNI, idle: "close" });
  const apiPort = await freePort();
  const { privateKey, publicKey } = makeRealityKeys();
  const places: Place[] = [];
  for (const plan of plans) places.push({ ...plan, port: await freePort() });
  const inboundOf = ({ tag, address, port, path, protocol, serverKey, encrypted }: Place) => {
    const clients = Object.entries(users).map(([id, flow]) => ({
      id,
      email: `${id}@test`,
      flow: path === undefined ? flow : "",
    }));
    const common = {
      apiPort,
      realityTarget: `127.0.0.1:${decoy.port}`,
      serverNames: [SNI],
      shortIds: [SHORT_ID],
      privateKey,
    };
    const { inbounds, ...rest } = xrayConfig(
      { ...common, inboundTag: tag, inboundPort: port, inboundListen: address, allowPrivate: true },
      clients,
    );
    const [inbound] = inbounds;
    if (inbound === undefined) throw new Error("there is no inbound");
    if (serverKey !== undefined) {
      const { streamSettings: _, ...same } = inbound;
      const kind = { ...PLAIN_KIND, serverKey };
      const keys = Object.keys(users).map((uuid) => {
        return { email: `${uuid}@test`, password: shadowsocks2022.accountOf({ uuid, flow: "" }, kind).key };
      });
      const method = "2022-blake3-aes-256-gcm";
      const settings = { method, password: serverKey, clients: keys };
      return { rest, inbound: { ...same, protocol: "shadowsocks", settings } };
    }
    if (encrypted !== undefined) {
      const settings = { ...inbound.settings, decryption: encrypted.decryption };
      return { rest, inbound: { ...inbound, settings } };
    }
    const passwords = Object.keys(users).map((uuid) => {
      return { email: `${uuid}@test`, password: trojan.accountOf({ uuid, flow: "" }).password };
    });
    if (protocol === "trojan") return { rest, inbound: { ...inbound, protocol, settings: { clients: passwords } } };
    const xhttp = { network: "xhttp", xhttpSettings: { path } };
    return {
      rest,
      inbound: path === undefined ? inbound : { ...inbound, streamSettings: { ...inbound.streamSettings, ...xhttp } },
    };
  };
  const made = places.map(inboundOf);
  const configFile = join(directory, "server.json");
  await writeFile(configFile, JSON.stringify({ ...made[0]?.rest, inbounds: made.map(({ inbound }) => inbound) }));
  const server = await startXray({ binary, configFile, apiPort, inboundPorts: places.map(({ port }) => port) });
  return {
    places,
    publicKey,
    shortId: SHORT_ID,
    sni: SNI,
    takeDownlink: async () => {
      const query = ["api", "statsquery", `--server=${server.api}`, "-pattern", "inbound>>>", "-reset"];
      const { stat } = stats.parse(JSON.parse((await promisify(execFile)(binary, query)).stdout));
      const moved = stat.flatMap(({ name, value }) => {
        const [, tag = "", , direction] = name.split(">>>");
        return direction === "downlink" && value > 0 ? [[tag, value] as const] : [];
      });
      return Object.fromEntries(moved);
    },
    stop: async () => {
      await server.stop();
      await decoy.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
