import type { Fleet, FleetNode } from "./fleet.ts";
import { isPlainKind } from "@veil/protocols";
import { hostLink, hostsOf, type NodeHost } from "./hosts.ts";
import type { Place } from "./places.ts";
import { inWeightedOrder } from "./weighted-order.ts";

/** A host that leads somewhere. */
export interface LinkedHost extends NodeHost {
  readonly at: Place;
}

/** A place that links lead to: one host, or several that clients can't tell apart, as behind a load balancer. */
export interface LinkedPlace {
  readonly hosts: readonly [LinkedHost, ...LinkedHost[]];
  /** Whether one of its inbounds answers. */
  readonly isUp: boolean;
}

/** What of a key decides where its links lead. */
export interface LinkedKeyFacts {
  readonly keyId: number;
  readonly groups: readonly string[];
}

export interface LinkedPlacesOptions {
  /** Whether a host's groups are for a key's. */
  readonly meets: (host: readonly string[], key: readonly string[]) => boolean;
  /** Where clients find a host; null when it has no place. */
  readonly placeOf: (host: LinkedHost) => string | null;
  /** Whether an inbound is of no use, by the name of its place. */
  readonly isDown: (place: string) => boolean;
}

/** So many different lists of groups are remembered. */
const MOST_LISTS = 1_000;

/**
 * Where the links of keys lead while neither hosts nor nodes nor their health change: worked out once for each list of groups.
 * Hosts count that are not hidden, whose node is active and whose inbound is filled, and whose groups meet the key's, as those of its inbound do.
 */
export class LinkedPlaces {
  readonly #hosts: readonly LinkedHost[];
  readonly #options: LinkedPlacesOptions;
  readonly #known = new Map<string, readonly LinkedPlace[]>();

  constructor(fleet: Pick<Fleet, "nodes" | "hosts">, options: LinkedPlacesOptions) {
    this.#hosts = hostsOf(fleet).flatMap(({ at, ...host }) => (host.hidden || at === null ? [] : { ...host, at }));
    this.#options = options;
  }

  /**
   * The places of a key. Those where an inbound answers come first, otherwise they are in the hosts' order; among hosts of one order
   * those that have a weight come last, the same way for one key each time.
   */
  of({ keyId, groups }: LinkedKeyFacts): readonly LinkedPlace[] {
    const list = JSON.stringify(groups);
    const known = this.#known.get(list) ?? this.#placesFor(groups);
    if (this.#known.size >= MOST_LISTS) this.#known.clear();
    this.#known.set(list, known);
    return inWeightedOrder(known, keyId);
  }

  /** Whether a host is meant for a key, be its node at work at the moment or not. */
  hasHostFor(groups: readonly string[]): boolean {
    return this.#hosts.some((host) => this.#isFor(host, groups));
  }

  /** In which states the nodes of hosts that are meant for a key are. */
  statesFor(groups: readonly string[]): FleetNode["state"][] {
    return [...new Set(this.#hosts.filter((host) => this.#isFor(host, groups)).map(({ of }) => of.state))];
  }

  /** A host's groups only narrow those of its inbound, which holds no other keys. */
  #isFor({ groups, at }: LinkedHost, ofKey: readonly string[]): boolean {
    const { meets } = this.#options;
    return meets(at.groups, ofKey) && (groups === null || meets(groups, ofKey));
  }

  #placesFor(groups: readonly string[]): readonly LinkedPlace[] {
    const { placeOf, isDown } = this.#options;
    const places = new Map<string, [LinkedHost, ...LinkedHost[]]>();
    for (const host of this.#hosts) {
      const isShown = host.of.state === "active" && !host.at.inbound.isUnfilled && this.#isFor(host, groups);
      const place = isShown ? placeOf(host) : null;
      if (place === null) continue;
      const found = places.get(place);
      if (found === undefined) places.set(place, [host]);
      else found.push(host);
    }
    return [...places.values()]
      .map((hosts) => ({ hosts, isUp: hosts.some(({ at }) => !isDown(at.name)) }))
      .toSorted((a, b) => Number(b.isUp) - Number(a.isUp));
  }
}

/** What clients see of a host, as far as it is known without the installation's settings: the same for the same place. */
export function placeKey(host: LinkedHost, link = hostLink(host)): string {
  const { host: address, port, publicKey, shortId, sni } = link;
  const { fingerprint, alpn, path, remark, at } = host;
  const { protocol, transport, path: ofInbound, serverKey, encryption } = at.inbound;
  const kind = isPlainKind(at.inbound) ? [] : [protocol, transport, ofInbound, serverKey, encryption];
  const seen = [address?.toLowerCase(), port, publicKey, shortId, sni, fingerprint, alpn, path, remark];
  return JSON.stringify([...seen, ...kind]);
}
