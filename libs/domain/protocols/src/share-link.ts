import type { ConnectionTransport } from "./connection.ts";
import type { VlessFlow } from "./vless.ts";

/** The server's part of a share link. The same for every key of one inbound. */
export interface LinkSettings {
  /** Host name or IP address that clients dial. An IPv6 address may stand with or without brackets. */
  readonly host: string;
  readonly port: number;
  /** The server name that the client's handshake asks for. */
  readonly sni: string;
  /** The browser whose TLS handshake the client imitates, for example `chrome`. */
  readonly fingerprint: string;
  /** The application protocols that it offers; those of the browser when left out. */
  readonly alpn?: readonly string[];
  /** The Reality public key, base64url. */
  readonly publicKey: string;
  /** The Reality short id, hexadecimal. */
  readonly shortId: string;
  /** The carrier of the streams; TCP when left out. */
  readonly transport?: ConnectionTransport;
  /** Shadowsocks' key of the server; null with any other protocol. */
  readonly serverKey?: string | null;
  /** VLESS encryption as clients name it; null for none. */
  readonly encryption?: string | null;
  /**
   * How the link of a key without a flow is written: as clients read it, or to the letter of the first HTTP contract, which
   * ends it in `flow=none`. Xray's and sing-box's clients refuse that text; it is for callers that compare strings.
   */
  readonly noFlow: "omit" | "write";
}

/** The key's part of a share link. */
export interface LinkedKey {
  readonly uuid: string;
  readonly flow: VlessFlow;
  /** The connection's name in clients. */
  readonly remark: string;
}

/** A key's name in clients: its own, or `key-<id>` when it has none that could be seen. */
export function linkName({ id, name }: { readonly id: number; readonly name: string | null }): string {
  return name === null || name.trim() === "" ? `key-${id}` : name;
}

/** `host:port` as a URL takes it: IPv6 addresses, the only hosts with a colon, in brackets. */
export function linkAuthority(host: string, port: number): string {
  const isBareIPv6 = host.includes(":") && !host.startsWith("[");
  return isBareIPv6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Query parameters in the order given, every value percent-encoded. */
export function linkQuery(parameters: readonly (readonly [name: string, value: string])[]): string {
  return parameters.map(([name, value]) => `${name}=${percentEncode(value)}`).join("&");
}

/**
 * Percent-encoding as RFC 3986 has it: every byte of the UTF-8 form but letters, digits and `-._~`. A lone surrogate,
 * which no UTF-8 text can hold, becomes U+FFFD.
 */
export function percentEncode(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\uFFFD")).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
