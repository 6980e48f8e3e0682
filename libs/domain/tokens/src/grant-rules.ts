import type { TokenRights } from "./api-token.ts";
import { liesWithin } from "./networks.ts";
import { grants } from "./scopes.ts";

/**
 * What of a token's rights goes beyond those of whoever makes or changes it, as a caller may read it; null when nothing does.
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
