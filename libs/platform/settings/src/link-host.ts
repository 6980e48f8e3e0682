import { isIPv6 } from "node:net";
import { domainToASCII } from "node:url";
import { z } from "zod";

const HOST_MESSAGE = "must be a host name or an IP address without a port";

/**
 * The host that clients dial: a host name or an address as it may stand in a URL, an IPv6 address with or without
 * brackets; no scheme, no port. A name in other letters than Latin ones is read as its Punycode, which no client makes
 * of it by itself.
 */
export function linkHost(message = HOST_MESSAGE) {
  return z.string().refine(isHost, message).transform(asciiHost).refine(isHost, message);
}

/**
 * The name that clients ask for in their handshake: a host as {@link linkHost} takes it, compared to the letter and
 * kept so.
 */
export function handshakeName() {
  return z.string().refine(isHost, HOST_MESSAGE);
}

/** A Reality public key. */
export function realityKey(message = "must be the 43 characters that `xray x25519` prints") {
  return z.string().regex(/^[A-Za-z0-9_-]{43}$/, message);
}

/** Nothing when it is no name. */
function asciiHost(text: string): string {
  return /^\p{ASCII}*$/u.test(text) ? text : domainToASCII(text);
}

function isHost(text: string): boolean {
  if (/^[\p{L}\p{M}\p{N}._-]+$/u.test(text)) return true;
  const address = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  // An address with a zone is one for this machine alone.
  return isIPv6(address) && !address.includes("%");
}
