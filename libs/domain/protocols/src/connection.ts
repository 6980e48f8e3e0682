import { linkAuthority, linkQuery, percentEncode } from "./share-link.ts";
import type { ShadowsocksMethod } from "./shadowsocks-method.ts";
import type { VlessFlow } from "./vless.ts";

/**
 * How a client connects with a key to one place. Every format that clients read is written from this: share links, and the
 * configs of Xray, sing-box and mihomo. A further protocol is a further member with its own `protocol`.
 */
export type Connection = VlessConnection | TrojanConnection | ShadowsocksConnection;

/** The fields that connections of every protocol have. */
export interface ConnectedPlace {
  /** The connection's name in clients. */
  readonly remark: string;
  /** Host name or IP address to dial, IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
  readonly security: ConnectionSecurity;
  readonly transport: ConnectionTransport;
}

/** A VLESS connection. */
export interface VlessConnection extends ConnectedPlace {
  readonly protocol: "vless";
  readonly uuid: string;
  /** Vision needs TCP with Reality: it is empty with any other transport. */
  readonly flow: VlessFlow;
  /** Encryption within the transport, with the server's public key; nothing when left out. */
  readonly encryption?: string;
}

/** A Trojan connection. */
export interface TrojanConnection extends ConnectedPlace {
  readonly protocol: "trojan";
  readonly password: string;
}

/** A Shadowsocks 2022 connection, which needs nothing around it: it is over TCP, and over UDP where the inbound takes that. */
export interface ShadowsocksConnection extends ConnectedPlace {
  readonly protocol: "shadowsocks-2022";
  readonly method: ShadowsocksMethod;
  /** The server's key and the user's, with a colon between. */
  readonly password: string;
}

/** The protection of a connection. `none` is for Shadowsocks, which does so itself, and for entries that lead nowhere. */
export type ConnectionSecurity = RealitySecurity | { readonly kind: "none" };

/** The client's side of Reality. */
export interface RealitySecurity {
  readonly kind: "reality";
  /** The server name that the handshake asks for. */
  readonly sni: string;
  /** The Reality public key, base64url. */
  readonly publicKey: string;
  /** Hexadecimal. */
  readonly shortId: string;
  /** The browser whose TLS handshake is imitated, one of `fingerprints`. */
  readonly fingerprint: string;
  /** Application protocols offered instead of the browser's, the preferred one first. Xray's own client can't. */
  readonly alpn?: readonly string[];
  /** Where Xray's spider begins: a path. Other clients don't have one. */
  readonly spiderX: string;
}

/**
 * The carrier of a connection's streams. XHTTP's path begins with a slash and has no query: mihomo can't connect with
 * one.
 */
export type ConnectionTransport = { readonly kind: "tcp" } | { readonly kind: "xhttp"; readonly path: string };

/**
 * The share link of a connection. The order of the parameters is part of the HTTP contract. A flow is written only when
 * there is one: `flow=none` is no flow to Xray (`infra/conf/vless.go`) or to sing-box, and both refuse the outbound that
 * names it. Shadowsocks has the form of SIP002, percent-encoded as its method of 2022 wants it.
 *
 * @param noFlow how no flow is written, see `LinkSettings`
 */
export function connectionLink(connection: Connection, noFlow: "omit" | "write"): string {
  const { protocol, address, port, remark, security, transport } = connection;
  const place = linkAuthority(address, port);
  const name = percentEncode(remark);
  if (protocol === "shadowsocks-2022")
    return `ss://${connection.method}:${percentEncode(connection.password)}@${place}#${name}`;
  const parameters: Parameters = [
    ["type", transport.kind],
    ["security", security.kind],
    ...securityParameters(security),
    ...transportParameters(transport),
  ];
  const query = linkQuery(protocol === "vless" ? vlessParameters(connection, parameters, noFlow) : parameters);
  const secret = protocol === "vless" ? connection.uuid : percentEncode(connection.password);
  return `${protocol}://${secret}@${place}?${query}#${name}`;
}

type Parameters = readonly (readonly [name: string, value: string])[];

function vlessParameters(
  { flow, encryption = "none" }: VlessConnection,
  parameters: Parameters,
  noFlow: "omit" | "write",
): Parameters {
  // The first contract knows of no encryption.
  if (flow === "" && noFlow === "write" && encryption === "none") return [...parameters, ["flow", "none"]];
  return [["encryption", encryption], ...parameters, ...(flow === "" ? [] : [["flow", flow] as const])];
}

function securityParameters(security: ConnectionSecurity): Parameters {
  if (security.kind === "none") return [];
  return [
    ["sni", security.sni],
    ["fp", security.fingerprint],
    ["pbk", security.publicKey],
    ["sid", security.shortId],
    ["spx", security.spiderX],
    ...(security.alpn === undefined ? [] : [["alpn", security.alpn.join(",")] as const]),
  ];
}

function transportParameters(transport: ConnectionTransport): Parameters {
  if (transport.kind === "tcp") return [];
  return [
    ["path", transport.path],
    ["mode", "auto"],
  ];
}
