import { createHash } from "node:crypto";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Where a request came from. */
export interface ClientAddress {
  readonly family: "ipv4" | "ipv6";
  /** In its shortest form. An IPv4 address that came mapped into IPv6 is an IPv4 address. */
  readonly text: string;
  /** Whom to count it for: the address itself, of IPv6 its /64, which a single host can use as a whole. */
  readonly network: string;
}

/** `1.2.3.4:80`, `[::1]` and `[::1]:80`, as some proxies write addresses into `X-Forwarded-For`. */
const IPV4_WITH_PORT = /^([0-9.]+):\d{1,5}$/;
const IPV6_IN_BRACKETS = /^\[([^\]]+)\](?::\d{1,5})?$/;

const BYTES_OF_64 = 8;

/** Reads an address as a socket or a proxy wrote it, with or without its port and zone. Null when it is none. */
export function parseClientAddress(text: string): ClientAddress | null {
  const bare = (IPV4_WITH_PORT.exec(text)?.[1] ?? IPV6_IN_BRACKETS.exec(text)?.[1] ?? text).split("%", 1)[0] ?? "";
  // The library also takes spellings of IPv4 that no proxy writes, such as a single number.
  if (isIP(bare) === 0) return null;
  const address = ipaddr.process(bare);
  if (address.kind() === "ipv4") return { family: "ipv4", text: address.toString(), network: address.toString() };
  const bytes = address.toByteArray();
  const network = ipaddr.fromByteArray([...bytes.slice(0, BYTES_OF_64), ...bytes.slice(BYTES_OF_64).fill(0)]);
  return { family: "ipv6", text: address.toString(), network: `${network.toString()}/64` };
}

/**
 * One of 65,536 names for the network of an address, under which its failures are counted: however many addresses they come
 * from, the counts take bounded space. Two networks rarely share a name, so use it only where a shared count harms nobody
 * who makes no mistake. A text that is no address has a name of its own.
 */
export function networkBucket(address: string | undefined): string {
  const network = parseClientAddress(address ?? "")?.network ?? "unknown";
  return createHash("sha256").update(network).digest("hex").slice(0, 4);
}
