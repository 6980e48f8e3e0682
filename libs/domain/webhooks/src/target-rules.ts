import ipaddr from "ipaddr.js";
import { LONGEST_URL } from "./webhook.ts";

/** Ranges that the library lacks: benchmarks, and the address at which a cloud's virtual machines find their host. */
const FURTHER_PRIVATE = [ipaddr.IPv4.parseCIDR("198.18.0.0/15"), ipaddr.IPv4.parseCIDR("168.63.129.16/32")];
/** The only part of IPv6 from which public addresses are given. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");
/** Ranges of IPv6 that hold an address of IPv4, which then counts. */
const EMBEDDING = new Set(["ipv4Mapped", "rfc6052"]);

/**
 * Whether an IP address is one of the public Internet: neither of a private network nor of this host, a link, a provider's
 * inside, a cloud's metadata, a tunnel, a group or a document. A text that is no address is not public.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address instanceof ipaddr.IPv4) {
    if (address.range() !== "unicast") return false;
    return !FURTHER_PRIVATE.some(([network, bits]) => address.match(network, bits));
  }
  if (EMBEDDING.has(address.range())) return isPublicAddress(embeddedIpv4(address));
  return address.range() === "unicast" && address.match(...GLOBAL_UNICAST);
}

function embeddedIpv4(address: ipaddr.IPv6): string {
  return new ipaddr.IPv4(address.toByteArray().slice(-4)).toString();
}

/**
 * The fault of a text as a webhook's address, in words for its caller; null when there is none. Names are looked up
 * when a delivery connects and not here: what they say today they need not say tomorrow.
 */
export function urlFault(text: string, isPrivateAllowed: boolean): string | null {
  if (text.length > LONGEST_URL) return `url must have at most ${LONGEST_URL} characters`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol))
    return "url must be like https://bot.example.com/veil";
  if (url.username !== "" || url.password !== "") return "url must hold no user name and no password";
  if (url.hash !== "") return "url must hold no #";
  if (isPrivateAllowed) return null;
  const host = hostOf(url);
  const isPrivate = ipaddr.isValid(host) ? !isPublicAddress(host) : /(^|\.)localhost\.?$/.test(host);
  return isPrivate ? "url must name a public address: private and loopback ones are refused here" : null;
}

/** The host of a URL as connections are made to it: an address of IPv6 without its brackets. */
export function hostOf({ hostname }: Pick<URL, "hostname">): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}
