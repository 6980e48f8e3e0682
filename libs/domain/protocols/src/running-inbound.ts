import { hasReality, type InboundKind, type TransportName } from "./inbound-kind.ts";
import type { ProtocolName } from "./protocols.ts";

/** An inbound as the Xray that runs it describes it, as far as it decides who gets in. */
export interface RunningInbound {
  readonly protocol: ProtocolName;
  /** Null for one that no link of ours names. */
  readonly transport: TransportName | null;
  /** Where XHTTP is found, as Xray writes it: with or without slashes at its ends. Null with any other transport. */
  readonly path: string | null;
  /** The only `Host` that XHTTP takes, in which clients put the server name; null for any, and with any other transport. */
  readonly host: string | null;
  /** What it asks of clients and no link of ours names, as the end of a sentence that begins with the inbound; null for nothing. */
  readonly asks: string | null;
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
  /** How VLESS is encrypted, null where it is not. Public keys in their order: those of X25519, null for each one of ML-KEM. */
  readonly encryption: { readonly mode: string; readonly publicKeys: readonly (string | null)[] } | null;
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
  if (runs.asks !== null) return runs.asks;
  if (runs.serverKey !== serverKey) return "has another key of the server than server_key";
  return (hasReality(said) ? realityFault(said, runs) : null) ?? encryptionFault(said.encryption, runs.encryption);
}

function realityFault({ publicKey, shortId, sni }: SaidInbound, { reality, host }: RunningInbound): string | null {
  if (reality === null) return "does not speak Reality";
  if (publicKey !== null && reality.publicKey !== null && reality.publicKey !== publicKey)
    return `has the public_key ${reality.publicKey}, not ${publicKey}`;
  if (sni !== null && !reality.serverNames.includes(sni))
    return `takes the server names ${reality.serverNames.join(", ")}, not the sni ${sni}`;
  if (sni !== null && host !== null && host.toLowerCase() !== sni.toLowerCase())
    return `takes the XHTTP host ${host} alone, not the sni ${sni}`;
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
  // Those of relays on the way to the server, which have theirs, come first.
  const keys = rest.filter((part) => part.length >= X25519_LENGTH).slice(-runs.publicKeys.length);
  const isSame = runs.publicKeys.every((key, index) =>
    key === null ? (keys[index]?.length ?? 0) > X25519_LENGTH : key === keys[index],
  );
  return isSame ? null : "has another key of VLESS encryption than encryption";
}

/** Of a key in base64url. What is shorter is padding, what is longer a key of ML-KEM. */
const X25519_LENGTH = 43;

/** As Xray and its clients make it of what they are given. */
function comparablePath(path: string | null): string {
  const [bare = ""] = (path ?? "").split("?");
  const begun = bare.startsWith("/") ? bare : `/${bare}`;
  return begun.endsWith("/") ? begun : `${begun}/`;
}
