import { hasReality, type InboundKind, type TransportName } from "./inbound-kind.ts";
import type { ProtocolName } from "./protocols.ts";

/** An inbound as the Xray that runs it describes it, as far as it decides who gets in. */
export interface RunningInbound {
  readonly protocol: ProtocolName;
  /** Null for one that no link of ours names. */
  readonly transport: TransportName | null;
  /** Where XHTTP is found, as Xray writes it: with or without slashes at its ends. Null with any other transport. */
  readonly path: string | null;
  /** Null where none is around it. */
  readonly reality: {
    /** That of its private key; null where that is malformed. */
    readonly publicKey: string | null;
    readonly serverNames: readonly string[];
    /** Of up to 8 bytes each, in hex; zeros at the end say nothing. */
    readonly shortIds: readonly string[];
  } | null;
  /** Shadowsocks' key of the server; null with any other protocol. */
  readonly serverKey: string | null;
  /** How VLESS is encrypted, null where it is not. Its X25519 key; null where it has another one, or several. */
  readonly encryption: { readonly mode: string; readonly publicKey: string | null } | null;
}

/** What is said of an inbound to customers. What is null is left to settings that are not looked at here. */
export interface SaidInbound extends InboundKind {
  readonly publicKey: string | null;
  readonly shortId: string | null;
  readonly sni: string | null;
}

/**
 * Why clients that believe what is said of an inbound would not get in, as the end of a sentence that begins with the
 * inbound; null when nothing is known to keep them out.
 */
export function runningFault(said: SaidInbound, runs: RunningInbound): string | null {
  const { protocol, transport, serverKey } = said;
  if (runs.protocol !== protocol) return `takes users of ${runs.protocol}, not of ${protocol}`;
  if (runs.transport !== transport) return `speaks ${runs.transport ?? "another transport"}, not ${transport}`;
  if (transport === "xhttp" && comparablePath(runs.path) !== comparablePath(said.path))
    return `is found under the path ${runs.path ?? "/"}, not ${said.path ?? "/"}`;
  if (runs.serverKey !== serverKey) return "has another key of the server than server_key";
  return (hasReality(said) ? realityFault(said, runs) : null) ?? encryptionFault(said.encryption, runs.encryption);
}

function realityFault({ publicKey, shortId, sni }: SaidInbound, { reality }: RunningInbound): string | null {
  if (reality === null) return "does not speak Reality";
  if (publicKey !== null && reality.publicKey !== null && reality.publicKey !== publicKey)
    return `has the public_key ${reality.publicKey}, not ${publicKey}`;
  if (sni !== null && !reality.serverNames.includes(sni))
    return `takes the server names ${reality.serverNames.join(", ")}, not the sni ${sni}`;
  const shortIds = reality.shortIds.map(comparableShortId);
  if (shortId !== null && !shortIds.includes(comparableShortId(shortId)))
    return `takes the short ids ${shortIds.map((one) => one || '""').join(", ")}, not the short_id ${shortId || '""'}`;
  return null;
}

function comparableShortId(shortId: string): string {
  return shortId.toLowerCase().replace(/(?:00)+$/, "");
}

function encryptionFault(said: string | null, runs: RunningInbound["encryption"]): string | null {
  if (said === null) return runs === null ? null : "asks for VLESS encryption, and no encryption is named";
  if (runs === null) return "has no VLESS encryption";
  const [, mode, , ...rest] = said.split(".");
  if (mode !== runs.mode) return `has the VLESS encryption ${runs.mode}, not ${mode ?? "none"}`;
  const [key, ...more] = rest.filter((part) => part.length >= SHORTEST_KEY);
  const isComparable = key?.length === SHORTEST_KEY && more.length === 0 && runs.publicKey !== null;
  return isComparable && key !== runs.publicKey ? "has another key of VLESS encryption than encryption" : null;
}

/** Of X25519, in base64url; what is shorter is padding. */
const SHORTEST_KEY = 43;

/** Xray and its clients take slashes at the ends as given, and drop a query. */
function comparablePath(path: string | null): string {
  const [bare = ""] = (path ?? "").split("?");
  return `/${bare}/`.replaceAll(/\/+/g, "/");
}
