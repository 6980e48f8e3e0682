import { lookup as lookUpAsTheHost, promises as dns, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { coerceError, withinTime } from "@veil/runtime";
import { isPublicAddress } from "@veil/webhooks";

/** Thrown when a webhook's address, or what its name leads to, is one that may not be called. */
export class PrivateTargetError extends Error {
  override readonly name = "PrivateTargetError";

  constructor() {
    super("its address is a private one");
  }
}

/** The second try waits twice as long: a silent name server is given up after about 3 s, well before the connection is. */
const NAME_SERVER = { timeout: 750, tries: 2 };
/** How long the addresses of one family wait for those of the other. */
const OTHER_FAMILY_MS = 1_000;

/** Finds the addresses of a name. */
export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

/**
 * Finds addresses for connections to receivers: it gives public ones only, so that a name can't lead inside, whenever it
 * begins to. One private address among several is enough to refuse the name.
 */
export function guardedLookup(resolve: Resolve): LookupFunction {
  return (name, { all, family }, callback) => {
    void answer(async () => publicAddresses(name, await resolve(name), family));

    /** A callback that throws is no failure of the look-up. */
    async function answer(look: () => Promise<{ readonly wanted: LookupAddress[]; readonly first: LookupAddress }>) {
      const found = await look().catch(coerceError);
      if (found instanceof Error) callback(found, "");
      else if (all === true) callback(null, found.wanted);
      else callback(null, found.first.address, found.first.family);
    }
  };
}

/** @throws {PrivateTargetError} when one of the addresses is none of the public Internet */
function publicAddresses(name: string, addresses: readonly LookupAddress[], family: unknown) {
  if (addresses.some(({ address }) => !isPublicAddress(address))) throw new PrivateTargetError();
  const wanted = family === 4 || family === 6 ? addresses.filter((each) => each.family === family) : addresses;
  const [first] = wanted;
  if (first === undefined) throw new Error(`${name} has no address`);
  return { wanted: [...wanted], first };
}

/** An address in the URL itself is never looked up, so it is looked at apart. @throws {PrivateTargetError} */
export function refusePrivateLiteral(host: string): void {
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new PrivateTargetError();
}

/**
 * Asks the name servers, without the few threads that the rest of the process looks names up with: a name server that hangs
 * delays nobody else. One that is silent about the addresses of one family takes nothing from those of the other.
 *
 * @param servers their addresses, with or without a port; those of this host when they are left out
 */
export function nameServers(servers?: readonly string[]): Resolve {
  const resolver = new dns.Resolver(NAME_SERVER);
  if (servers !== undefined) resolver.setServers(servers);
  return async (name) => {
    const found: LookupAddress[] = [];
    const add = (family: 4 | 6) => (addresses: readonly string[]) => {
      found.push(...addresses.map((address) => ({ address, family })));
    };
    const v4 = resolver.resolve4(name).then(add(4));
    const v6 = resolver.resolve6(name).then(add(6));
    // One that fails leaves the other all its time, and where both do the failure of IPv4 is what is said.
    await Promise.any([v4, v6]).catch(() => v4);
    await withinTime(Promise.allSettled([v4, v6]), OTHER_FAMILY_MS).catch(() => undefined);
    return found.toSorted((a, b) => a.family - b.family);
  };
}

/** Where private addresses are allowed names are looked up as this host does, its own short ones too. */
export const hostLookup: LookupFunction = lookUpAsTheHost;
