import type { TokenRights } from "./api-token.ts";
import { liesWithin } from "./networks.ts";
import { grants } from "./scopes.ts";

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
