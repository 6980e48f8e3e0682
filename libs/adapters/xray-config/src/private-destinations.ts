import { networkInterfaces } from "node:os";
import { z } from "zod";

/** A destination of the setting `XRAY_BLOCKED`: an IP address, or a network of them. Names mean nothing there. */
export const blockedDestination = z.union(
  [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
  "must be IP addresses or networks like 203.0.113.0/24, separated by commas",
);

/**
 * All destinations outside the public Internet, from the IANA special-purpose address registries: this host, private
 * networks, carrier-grade NAT, link-local (which holds the metadata services of clouds), documentation, benchmarks,
 * multicast, reserved, IPv6 but what is given to networks (2000::/3), and its forms that carry an IPv4 address. (Xray itself takes
 * ::ffff:127.0.0.1 for 127.0.0.1.) And the address at which Azure's virtual machines find their host, which looks like a public one:
 * https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
 */
export const PRIVATE_DESTINATIONS: readonly string[] = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "168.63.129.16/32",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/3",
  "2001::/32",
  "2001:db8::/32",
  "2002::/16",
  "4000::/2",
  "8000::/1",
];

/** Every address of this machine as a network of one, for a public address leads home as well. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address, family }) => `${address}/${family === "IPv6" ? 128 : 32}`);
}
