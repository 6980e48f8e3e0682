import { grants, type TokenRights } from "./api-token.ts";

/**
 * The first of a token's rights that goes beyond those of its giver, in words for the caller; null when none does.
 * Nobody gives away what they don't have: not with a new token, and not by changing one that has more.
 */
export function rightsBeyond(token: TokenRights, giver: TokenRights): string | null {
  const scope = token.scopes.find((one) => !grants(giver.scopes, one));
  if (scope !== undefined) return `the scope ${scope}`;
  if (giver.owner !== null && token.owner !== giver.owner) return "keys of another owner";
  const { addresses } = giver;
  if (addresses === null) return null;
  if (token.addresses === null) return "other addresses";
  const address = token.addresses.find((one) => !liesWithin(one, addresses));
  return address === undefined ? null : `the address ${address}`;
}

// oxlint-disable-next-line no-restricted-imports -- reads texts and compares numbers: it opens no socket
import { BlockList, isIP } from "node:net";

/** A range of addresses. */
interface Network {
  readonly address: string;
  /** How many of the leading bits all its addresses share. */
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

/** Reads an address, `10.0.0.7`, or a CIDR range, `2001:db8::/32`. Null when it is neither. */
export function networkOf(text: string): Network | null {
  const [address = "", prefix, ...rest] = text.split("/");
  const version = isIP(address);
  const longest = version === 6 ? 128 : 32;
  if (version === 0 || address.includes("%") || rest.length > 0) return null;
  if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest)) return null;
  return { address, prefix: prefix === undefined ? longest : Number(prefix), family: version === 6 ? "ipv6" : "ipv4" };
}

/** Whether all addresses of a range lie in one of the others. A text that is no range lies nowhere. */
function liesWithin(inner: string, outer: readonly string[]): boolean {
  const network = networkOf(inner);
  if (network === null) return false;
  return outer.map(networkOf).some((other) => {
    if (other === null || other.family !== network.family || other.prefix > network.prefix) return false;
    const list = new BlockList();
    list.addSubnet(other.address, other.prefix, other.family);
    return list.check(network.address, network.family);
  });
}
