import type { ConnectionTransport } from "./connection.ts";
import type { ProtocolName } from "./protocols.ts";

/** What may carry the streams of an inbound, each with Reality around it. */
export const TRANSPORTS = ["tcp", "xhttp"] as const;

export type TransportName = (typeof TRANSPORTS)[number];

/** How an inbound speaks with clients. */
export interface InboundKind {
  readonly protocol: ProtocolName;
  readonly transport: TransportName;
  /** Where XHTTP is found: begins with a slash and has no query. Null with any other transport. */
  readonly path: string | null;
}

/** VLESS over TCP: an inbound of which nothing else is said. */
export const PLAIN_KIND: InboundKind = { protocol: "vless", transport: "tcp", path: null };

/** Whether nothing needs to be said of an inbound of this kind. */
export function isPlainKind(kind: InboundKind): boolean {
  return isSameKind(kind, PLAIN_KIND);
}

/** Whether clients of the one get into the other. */
export function isSameKind(one: InboundKind, other: InboundKind): boolean {
  return one.protocol === other.protocol && one.transport === other.transport && one.path === other.path;
}

/** What is wrong with a kind, as the end of a sentence that begins with the inbound; null when nothing is. */
export function kindFault({ protocol, transport, path }: InboundKind): string | null {
  if (protocol === "trojan" && transport !== "tcp")
    return "can't have a transport other than tcp with the protocol trojan";
  if (transport === "xhttp" && path === null) return "needs a path with the transport xhttp";
  if (transport === "tcp" && path !== null) return "can't have a path with the transport tcp";
  return null;
}

/** The transport of a kind as connections have it. @param path in place of its own; null for that */
export function transportOf({ transport, path: own }: InboundKind, path: string | null = null): ConnectionTransport {
  return transport === "xhttp" ? { kind: "xhttp", path: path ?? own ?? "/" } : { kind: "tcp" };
}
