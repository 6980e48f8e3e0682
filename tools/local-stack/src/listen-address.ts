/**
 * Where Xray's inbound listens. A link that names this machine is of use on this machine alone, so nobody else needs to
 * reach the port.
 *
 * @param domain what the links name
 */
export function listenAddress(domain: string): string {
  const host = domain.toLowerCase();
  if (host === "127.0.0.1" || host === "localhost") return "127.0.0.1";
  return host === "::1" || host === "[::1]" ? "::1" : "0.0.0.0";
}
