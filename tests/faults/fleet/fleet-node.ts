import { startTestXray, type TestXray } from "@veil/test-support";
import { type ConnectedXray, connectXrayNode, type XrayNode } from "@veil/xray-grpc";

/** Shadowsocks' key of the servers. */
const SERVER_KEY = Buffer.alloc(16, "fleet").toString("base64");
/** The inbounds of each node beside VLESS over TCP, as the API and as Xray's config name them. */
const FURTHER = {
  "trojan-in": { protocol: "trojan" },
  "xhttp-in": { protocol: "vless", path: "/a" },
  "shadowsocks-in": { protocol: "shadowsocks-2022", serverKey: SERVER_KEY },
} as const;

/** A real Xray of the fleet, and what it has counted in the lives that are over. */
export interface FleetNode {
  /** Of the node that it is at the moment; changes when it joins anew. */
  name: string;
  readonly groups: readonly string[];
  /** One for each of its inbounds. */
  readonly inbounds: readonly Pick<XrayNode, "listUsers">[];
  /** The body of `POST /api/nodes`. */
  body(): object;
  /** Bytes of a key in all lives of the process, both ways. */
  counted(keyId: number): Promise<number>;
  /** Ends the process as a crash would. Nothing may move through it at the moment. */
  kill(keyIds: readonly number[]): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startFleetNode(binary: string, name: string, groups: readonly string[]): Promise<FleetNode> {
  const xray = await startTestXray(binary, { inbounds: FURTHER });
  const connected = connectXrayNode({ name, address: xray.api, inboundTag: xray.inboundTag });
  const ended = new Map<number, number>();
  const node: FleetNode = {
    name,
    groups,
    inbounds: [connected, ...Object.keys(FURTHER).map((tag) => connected.at(tag, `${name}/${tag}`))],
    body: () => nodeBody(xray, node.name, groups),
    counted: async (keyId) => (ended.get(keyId) ?? 0) + (await bytesOf(connected, keyId)),
    kill: async (keyIds) => {
      for (const keyId of keyIds) ended.set(keyId, (ended.get(keyId) ?? 0) + (await bytesOf(connected, keyId)));
      await xray.kill();
    },
    restart: () => xray.restart(),
    stop: async () => {
      connected.close();
      await xray.stop();
    },
  };
  return node;
}

async function bytesOf(connected: ConnectedXray, keyId: number): Promise<number> {
  const names = ["uplink", "downlink"].map((link) => `user>>>${keyId}@veil>>>traffic>>>${link}`);
  const values = await Promise.all(names.map((name) => connected.readCounter(name)));
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

function nodeBody(xray: TestXray, name: string, groups: readonly string[]): object {
  const { api: address, inboundPort: port, publicKey: public_key, shortId: short_id, serverName: sni, ports } = xray;
  const inbounds = [
    { tag: xray.inboundTag, protocol: "vless" },
    { tag: "trojan-in", protocol: "trojan", port: ports["trojan-in"] },
    { tag: "xhttp-in", protocol: "vless", transport: "xhttp", path: "/a", port: ports["xhttp-in"] },
    {
      ...{ tag: "shadowsocks-in", protocol: "shadowsocks-2022", server_key: SERVER_KEY },
      port: ports["shadowsocks-in"],
    },
  ];
  return { name, address, host: "127.0.0.1", port, public_key, short_id, sni, groups, inbounds };
}
