import { setTimeout as sleep } from "node:timers/promises";
import { networkInterfaces } from "node:os";
import { freePort } from "@veil/engines";
import { type Connection, protocolNamed } from "@veil/protocols";
import type { Entrance, FormatName, KeyStatus, Refusal } from "@veil/subscriptions";
import { makeRealityKeys } from "@veil/xray-config";
import { serveSubscriptions } from "../../services/api/test/subscriptions/serve-subscriptions.ts";
import { startByteServer } from "./byte-server.ts";
import { type Place, startMeteredXray } from "./metered-xray.ts";
import type { VpnClient } from "./vpn-client.ts";

export const VISION = "xtls-rprx-vision";
export const BODY_BYTES = 100_000;
const COUNTED_WITHIN_MS = 5_000;
/** Clients listen before they are ready, and hang up at once on what comes then. */
const MOST_TRIES = 4;
const HUNG_UP_WITHIN_MS = 1_000;
const TRY_AGAIN_MS = 500;
const TOKEN = "v7Kq2mZx9LbR4tYcW8sJhN3f";
const USERS = {
  "66ad4540-b58c-4ad2-9926-ea63445a9b57": "",
  "0b2f27c8-5a4e-4c7e-9d7e-7e4505000001": VISION,
} as const;
export const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

const encryptionKeys = makeRealityKeys();

/** Where a subscription of the tests leads, in its order. */
export const places: readonly Omit<Place, "port">[] = [
  { tag: "one", address: "127.0.0.1" },
  { tag: "two", address: "127.0.0.1" },
  { tag: "six", address: hasIpv6 ? "::1" : "127.0.0.1" },
  { tag: "trojan", address: "127.0.0.1", protocol: "trojan" },
  {
    tag: "shadowsocks",
    address: "127.0.0.1",
    protocol: "shadowsocks-2022",
    serverKey: Buffer.alloc(32, 0xfb).toString("base64"),
  },
  { tag: "xhttp", address: "127.0.0.1", path: "/веб" },
  {
    tag: "encrypted",
    address: "127.0.0.1",
    encrypted: {
      decryption: `mlkem768x25519plus.native.600s.${encryptionKeys.privateKey}`,
      encryption: `mlkem768x25519plus.native.0rtt.${encryptionKeys.publicKey}`,
    },
  },
];

/** The router of subscriptions as it is, over a real Xray with an inbound for each place, which counts what each moves. */
export interface SubscriptionTestbed {
  /**
   * Where the config that was asked for last takes traffic in: free ports, and no network interface. Others for each, as other
   * programs take ports where nobody listens.
   */
  readonly entrance: Entrance;
  /** The address of the subscription. */
  readonly url: string;
  /** Texts that stand in no answer to a key that is out of service. */
  readonly secrets: readonly string[];
  connections(flow: string, names: readonly string[]): Connection[];
  /** Puts a key of that name in place of the one before. */
  subscribe(name: string, connections: readonly Connection[], status?: KeyStatus, refusal?: Refusal | null): void;
  /** @throws when the answer is not 200 */
  body(format: FormatName): Promise<string>;
  /**
   * The place whose inbound moved the bytes of a download; null when there was no answer.
   *
   * @param withinMs how long the client may be silent; 30 s when absent
   * @throws when part of it came
   */
  wayOf(client: VpnClient, withinMs?: number): Promise<string | null>;
  stop(): Promise<void>;
}

export async function startSubscriptionTestbed(xrayBinary: string): Promise<SubscriptionTestbed> {
  const bytes = await startByteServer();
  const xray = await startMeteredXray(xrayBinary, places, USERS);
  const entrance = { socks: 0, http: 0, mixed: 0, tun: false };
  const server = await serveSubscriptions({ language: "ru" });
  const url = `${server.url}/sub/${TOKEN}`;
  const wayOnce: SubscriptionTestbed["wayOf"] = async (client, withinMs) => {
    await xray.takeDownlink();
    const received = await client.download(bytes.downloadUrl(BODY_BYTES), withinMs).catch(() => 0);
    const moved = new Map<string, number>();
    const look = async () => {
      for (const [tag, more] of Object.entries(await xray.takeDownlink())) moved.set(tag, (moved.get(tag) ?? 0) + more);
      return [...moved].filter(([, all]) => all >= BODY_BYTES);
    };
    let ways = await look();
    // Xray counts a write once it has ended, when the client may have it already.
    const deadline = performance.now() + COUNTED_WITHIN_MS;
    while (received === BODY_BYTES && ways.length === 0 && performance.now() < deadline) ways = await look();
    const isWhole = received === BODY_BYTES && ways.length === 1;
    if (!isWhole && (received !== 0 || ways.length > 0)) {
      throw new Error(`${received} bytes came, through ${JSON.stringify(ways)}`);
    }
    return ways[0]?.[0] ?? null;
  };
  const { sni, publicKey, shortId } = xray;
  return {
    entrance,
    url,
    secrets: [...Object.keys(USERS), publicKey],
    connections: (flow, names) => {
      const uuid = Object.entries(USERS).find(([, ofUser]) => ofUser === flow)?.[0] ?? "";
      return xray.places.map(({ address, port, path, serverKey, encrypted, protocol = "vless" }, index) =>
        protocolNamed(protocol).connectionOf(
          { uuid, flow: flow === VISION ? VISION : "", remark: names[index] ?? "" },
          {
            ...{ host: address, port, sni, publicKey, shortId, fingerprint: "chrome", noFlow: "omit" },
            serverKey: serverKey ?? null,
            encryption: encrypted?.encryption ?? null,
            transport: path === undefined ? { kind: "tcp" } : { kind: "xhttp", path },
          },
        ),
      );
    },
    subscribe: (name, connections, status = "active", refusal = null) => {
      const figures = { upload: 1, download: 2, trafficLimit: 3, expiresAt: 4, holdFor: null, usage: [] };
      server.views.set(TOKEN, { key: { name, status, ...figures, url }, connections, refusal, keyId: 1 });
    },
    body: async (format) => {
      for (const kind of ["socks", "http", "mixed"] as const) entrance[kind] = await freePort();
      const once = await serveSubscriptions({ entrance, language: "ru" });
      try {
        for (const [token, view] of server.views) once.views.set(token, view);
        const response = await fetch(`${once.url}/sub/${TOKEN}/${format}`);
        if (response.status !== 200) throw new Error(`the answer is ${response.status}`);
        return await response.text();
      } finally {
        await once.stop();
      }
    },
    wayOf: async (client, withinMs) => {
      for (let tries = 1; ; tries += 1) {
        const begun = performance.now();
        const way = await wayOnce(client, withinMs);
        const isHungUp = way === null && withinMs === undefined && performance.now() - begun < HUNG_UP_WITHIN_MS;
        if (!isHungUp || tries === MOST_TRIES) return way;
        await sleep(TRY_AGAIN_MS);
      }
    },
    stop: async () => {
      await server.stop();
      await xray.stop();
      await bytes.stop();
    },
  };
}
