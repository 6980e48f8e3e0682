import type { ConnectionTransport } from "./connection.ts";
import type { ProtocolName } from "./protocols.ts";

/** The transports that may carry the streams of an inbound. */
export const TRANSPORTS = ["tcp", "xhttp"] as const;

export type TransportName = (typeof TRANSPORTS)[number];

/** How an inbound speaks with clients. */
export interface InboundKind {
  readonly protocol: ProtocolName;
  readonly transport: TransportName;
  /** Where XHTTP is found: begins with a slash and has no query. Null with any other transport. */
  readonly path: string | null;
  /** Shadowsocks' key of the server, whose length says the method. Customers know it. Null with any other protocol. */
  readonly serverKey: string | null;
  /** VLESS encryption as clients name it, with the server's public key. Null without, and with any other protocol. */
  readonly encryption: string | null;
}

/** VLESS over TCP: an inbound of which nothing else is said. */
export const PLAIN_KIND: InboundKind = {
  protocol: "vless",
  transport: "tcp",
  path: null,
  serverKey: null,
  encryption: null,
};

const KIND_FIELDS = [
  "protocol",
  "transport",
  "path",
  "serverKey",
  "encryption",
] as const satisfies readonly (keyof InboundKind)[];

/** Whether nothing needs to be said of an inbound of this kind. */
export function isPlainKind(kind: InboundKind): boolean {
  return isSameKind(kind, PLAIN_KIND);
}

/** Whether clients of the one get into the other. */
export function isSameKind(one: InboundKind, other: InboundKind): boolean {
  return KIND_FIELDS.every((field) => one[field] === other[field]);
}

/** Whether Reality is around an inbound of this kind. */
export function hasReality({ protocol }: Pick<InboundKind, "protocol">): boolean {
  return protocol !== "shadowsocks-2022";
}

/** The fault of a kind, as the end of a sentence that begins with the inbound; null when there is none. */
export function kindFault({ protocol, transport, path, serverKey, encryption }: InboundKind): string | null {
  if (protocol !== "vless" && transport !== "tcp")
    return `can't have a transport other than tcp with the protocol ${protocol}`;
  if (protocol === "shadowsocks-2022" && serverKey === null)
    return "needs the server_key of Xray's config with the protocol shadowsocks-2022";
  if (protocol !== "shadowsocks-2022" && serverKey !== null)
    return `can't have a server_key with the protocol ${protocol}`;
  if (protocol !== "vless" && encryption !== null) return `can't have an encryption with the protocol ${protocol}`;
  if (transport === "xhttp" && path === null) return "needs a path with the transport xhttp";
  if (transport === "tcp" && path !== null) return "can't have a path with the transport tcp";
  return null;
}

/** The transport of a kind as connections have it. @param path in place of its own; null for that */
export function transportOf({ transport, path: own }: InboundKind, path: string | null = null): ConnectionTransport {
  return transport === "xhttp" ? { kind: "xhttp", path: path ?? own ?? "/" } : { kind: "tcp" };
}
