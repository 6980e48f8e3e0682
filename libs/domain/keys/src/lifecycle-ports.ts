import type { EventHints } from "@veil/events";
import type { VlessFlow } from "@veil/protocols";
import type { IdleState } from "./no-node-detail.ts";
import type { ExternalIds } from "./external-ids.ts";
import type { KeyTraffic } from "./key-traffic.ts";
import type { DueKeys, KeyStore } from "./ports.ts";
import type { Notices } from "./terms/notices.ts";
import type { Clock, KeyLease, NodeUsers } from "./node-users.ts";

/** The part of a key that decides where its links lead. */
export interface LinkedKey {
  readonly keyId: number;
  readonly groups: readonly string[];
}

/** Everything outside that the lifecycle of a key needs. */
export interface LifecyclePorts {
  readonly store: KeyStore;
  /** The nodes that there are at each moment: they come and go, so nobody keeps this list. */
  readonly nodes: readonly NodeUsers[];
  /**
   * Names of the nodes that a key's first link leads to: that of the first host, and others behind the same address. None while
   * none of them is active; null when no host is meant for the key, which then needs no node.
   */
  readonly linkedNodes: (key: LinkedKey) => readonly string[] | null;
  /** In which states the nodes of such hosts are while none of them is active. */
  readonly idleStates: (groups: readonly string[]) => readonly IdleState[];
  readonly lease: KeyLease;
  readonly clock: Clock;
  /** A fresh random v4 UUID, lower case. */
  readonly newUuid: () => string;
  /** The flow of the keys that are made from now on. */
  readonly newFlow: VlessFlow;
  /** Fresh random bytes for a subscription token. */
  readonly newTokenSeed: () => Uint8Array;
  readonly externalIds: ExternalIds;
  readonly traffic: KeyTraffic;
  readonly due: DueKeys;
  /** Asked before each write that is reported. */
  readonly hints: EventHints;
  /** The IANA time zone in whose midnight traffic is reset. */
  readonly timeZone: string;
  /** Which notices are given; none when left out. */
  readonly notices?: Notices;
}
