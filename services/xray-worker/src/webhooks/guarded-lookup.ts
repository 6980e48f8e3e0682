import { lookup as lookUpAsTheHost, promises as dns, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { coerceError } from "@veil/runtime";
import { isPublicAddress } from "@veil/webhooks";

/** Thrown when a webhook's address, or what its name leads to, is one that may not be called. */
export class PrivateTargetError extends Error {
  override readonly name = "PrivateTargetError";

  constructor() {
    super("its address is a private one");
  }
}

const LOOKUP_TIMEOUT_MS = 5_000;

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
 * delays nobody else.
 */
export function nameServers(): Resolve {
  const resolver = new dns.Resolver({ timeout: LOOKUP_TIMEOUT_MS / 2, tries: 2 });
  return async (name) => {
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    if (v4.status === "rejected" && v6.status === "rejected") throw v4.reason;
    return [
      ...(v4.status === "fulfilled" ? v4.value.map((address) => ({ address, family: 4 })) : []),
      ...(v6.status === "fulfilled" ? v6.value.map((address) => ({ address, family: 6 })) : []),
    ];
  };
}

/** Where private addresses are allowed names are looked up as this host does, its own short ones too. */
export const hostLookup: LookupFunction = lookUpAsTheHost;
