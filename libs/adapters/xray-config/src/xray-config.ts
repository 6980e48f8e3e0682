import { PRIVATE_DESTINATIONS } from "./private-destinations.ts";

export interface XrayConfigOptions {
  /** Port of the gRPC API. It has no authentication: who reaches it owns the process. */
  apiPort: number;
  /** Address of the gRPC API; "127.0.0.1" when absent. Another one only where a network shuts everybody else out. */
  apiListen?: string;
  /** Port of the VLESS inbound. */
  inboundPort: number;
  /** Address of the VLESS inbound; "0.0.0.0" when absent. */
  inboundListen?: string;
  /** "vless-in" when absent. */
  inboundTag?: string;
  /** Where handshakes that are not ours are sent on to, "host:port", a TLS 1.3 server. */
  realityTarget: string;
  /** Server names that clients may ask for, at least one. */
  serverNames: readonly string[];
  /** Raw x25519 key in base64url. */
  privateKey: string;
  /** Each an even number of hexadecimal digits, at most 16. */
  shortIds: readonly string[];
  /** Lets keys reach private and loopback destinations, for local trials and tests alone. */
  allowPrivate?: boolean;
  /** Further networks to close, such as the machine's own addresses. */
  blocked?: readonly string[];
  /**
   * "open" lets UDP out, for calls, games and QUIC; "block", the default, nothing but name look-ups, which Xray makes itself.
   * Routing rules alone do not keep UDP from private addresses, so "open" needs a guard below Xray.
   */
  udp?: UdpPolicy;
}

/** A user of the inbound, as the config file lists them. */
export interface XrayClient {
  id: string;
  email?: string | undefined;
  flow?: string | undefined;
  level?: number | undefined;
}

export const UDP_POLICIES = ["block", "open"] as const;
export type UdpPolicy = (typeof UDP_POLICIES)[number];

export type XrayConfig = ReturnType<typeof xrayConfig>;

/**
 * Each client states a version in the Reality handshake: Xray its release, sing-box 1.8.1, mihomo 1.8.2. This one lets
 * all of them in. Without it Xray 26.7.11 and newer refuses every version below 26.3.27.
 */
const OLDEST_CLIENT = "0.0.0";

/**
 * The configuration that the services expect: the API on loopback, counters per user and inbound, one VLESS inbound
 * with REALITY, and no way through the tunnel to private networks. Users come over the API.
 */
export function xrayConfig(options: XrayConfigOptions, clients: readonly XrayClient[] = []) {
  return {
    log: { loglevel: "warning", access: "none" },
    api: {
      tag: "api",
      listen: `${options.apiListen ?? "127.0.0.1"}:${options.apiPort}`,
      services: ["HandlerService", "StatsService", "RoutingService"],
    },
    stats: {},
    policy: {
      levels: { "0": { statsUserUplink: true, statsUserDownlink: true, statsUserOnline: true } },
      system: {
        statsInboundUplink: true,
        statsInboundDownlink: true,
        statsOutboundUplink: true,
        statsOutboundDownlink: true,
      },
    },
    inbounds: [vlessInbound(options, clients)],
    ...wayOut(options),
  };
}

/**
 * Addresses are matched by the routing rule; names by what they resolve to, in the very lookup whose answer is dialed.
 * A routing rule on names (`domainStrategy: IPOnDemand`) would look them up apart from the dial, and a name server that
 * alternates between a public address and 127.0.0.1 walks through that.
 */
function wayOut({ allowPrivate = false, blocked = [], udp = "block" }: XrayConfigOptions) {
  const closed = [...PRIVATE_DESTINATIONS, ...blocked];
  const block = { tag: "block", protocol: "blackhole" };
  const { rules, outbounds } = udp === "block" ? WITHOUT_UDP : { rules: [], outbounds: [] };
  if (allowPrivate) {
    return { routing: { rules }, outbounds: [{ tag: "direct", protocol: "freedom" }, block, ...outbounds] };
  }
  return {
    dns: { servers: [{ address: "localhost", unexpectedIPs: closed }] },
    routing: {
      domainStrategy: "AsIs",
      rules: [{ ruleTag: "private", ip: closed, outboundTag: "block" }, ...rules],
    },
    outbounds: [
      { tag: "direct", protocol: "freedom", settings: { domainStrategy: "ForceIPv4v6" } },
      block,
      ...outbounds,
    ],
  };
}

/** Phones look names up by UDP: Xray answers them from its own look-ups, and sends no datagram of theirs anywhere. */
const WITHOUT_UDP = {
  rules: [
    { ruleTag: "names", network: "udp", port: "53", outboundTag: "names" },
    { ruleTag: "udp", network: "udp", outboundTag: "block" },
  ],
  outbounds: [{ tag: "names", protocol: "dns", settings: { nonIPQuery: "reject" } }],
} as const;

function vlessInbound(options: XrayConfigOptions, clients: readonly XrayClient[]) {
  return {
    tag: options.inboundTag ?? "vless-in",
    listen: options.inboundListen ?? "0.0.0.0",
    port: options.inboundPort,
    protocol: "vless",
    // Xray 26.3 knows `clients` alone and ignores the newer name `users` without a word.
    settings: { clients, decryption: "none" },
    streamSettings: {
      network: "raw",
      security: "reality",
      realitySettings: {
        target: options.realityTarget,
        serverNames: options.serverNames,
        privateKey: options.privateKey,
        shortIds: options.shortIds,
        minClientVer: OLDEST_CLIENT,
      },
    },
  };
}
