import { isIPv6 } from "node:net";
import { z } from "zod";

/**
 * What clients dial or ask for: a host name or an address as it may stand in a URL, an IPv6 address with or without
 * brackets; no scheme, no port.
 */
export function linkHost(message = "must be a host name or an IP address without a port") {
  return z.string().refine(isHost, message);
}

/** A Reality public key. */
export function realityKey(message = "must be the 43 characters that `xray x25519` prints") {
  return z.string().regex(/^[A-Za-z0-9_-]{43}$/, message);
}

function isHost(text: string): boolean {
  if (/^[\p{L}\p{M}\p{N}._-]+$/u.test(text)) return true;
  const address = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  // An address with a zone is one for this machine alone.
  return isIPv6(address) && !address.includes("%");
}
