import { timingSafeEqual } from "node:crypto";
import {
  type Clock,
  isVisible,
  keyIdOfToken,
  type KeyReader,
  type KeyRecord,
  statusOf,
  termsAt,
  usedTraffic,
} from "@veil/keys";
import { type Connection, linkName } from "@veil/protocols";
import type { UsagePeriod } from "@veil/subscriptions";
import { LinkNotConfiguredError } from "../errors.ts";
import { shownFigures } from "../shown-figures.ts";
import type { KeyPlace, KeyPlacesOf, RemarkMoment, TrafficReader } from "../ports.ts";
import type { DeviceGate } from "./device-gate.ts";
import type { SubscriptionReader, SubscriptionView } from "./ports.ts";

export interface KeySubscriptionPorts {
  readonly keys: Pick<KeyReader, "find">;
  readonly traffic: Pick<TrafficReader, "find">;
  /** The key's recent traffic. @param now unix seconds */
  readonly usageOf: (keyId: number, now: number) => Promise<readonly UsagePeriod[]>;
  /** Tells which inbounds are of no use at the moment, by the names of their places. */
  readonly downNodes: () => Promise<(place: string) => boolean>;
  readonly places: KeyPlacesOf;
  readonly urlOf: (token: string) => string;
  readonly clock: Pick<Clock, "now">;
  readonly gate: Pick<DeviceGate, "read" | "refusalOf">;
}

/** Subscriptions of the stored keys. They need nothing but the store, and Redis and a worker for a device that is new. */
export function keySubscriptions(ports: KeySubscriptionPorts): SubscriptionReader {
  const { keys, traffic, downNodes, clock, gate } = ports;
  return {
    findByToken: async (token, { withUsage, arrival }) => {
      const keyId = keyIdOfToken(token);
      // Nobody's, whatever the store says: it is not asked.
      if (keyId === null) return null;
      const [key, figures, isDown, devices] = await Promise.all([
        keys.find(keyId),
        shownFigures(keyId, traffic),
        downNodes(),
        arrival === null ? null : gate.read(keyId, arrival.device),
      ]);
      if (key === null || !isVisible(key) || !isSameText(key.token, token)) return null;
      const places = (await ports.places({ keyId, groups: key.terms.groups })) ?? [];
      const now = clock.now();
      const { expiresAt, holdFor, trafficLimit } = termsAt(key.terms, now);
      const usage = withUsage ? await ports.usageOf(keyId, Math.floor(now / 1_000)) : [];
      return {
        keyId,
        key: {
          name: linkName({ id: keyId, name: key.name }),
          status: statusOf(key.terms, now),
          ...(figures === null ? { upload: 0, download: 0 } : usedTraffic(key.terms, figures, now)),
          ...{ trafficLimit, expiresAt, holdFor, usage },
          url: ports.urlOf(token),
        },
        connections: connectionsOf(key, places, { isDown, traffic: figures, now }),
        refusal: arrival === null ? null : await gate.refusalOf(key, devices, arrival),
      } satisfies SubscriptionView;
    },
  };
}

/**
 * The places that can be reached, without those that may not have the key's user yet: unless these are all that there are, for
 * within a second they will.
 */
function connectionsOf(
  key: KeyRecord,
  places: readonly KeyPlace[],
  { isDown, ...moment }: Omit<RemarkMoment, "isFirst"> & { readonly isDown: (place: string) => boolean },
): Connection[] {
  const reachable = places.filter(({ inbounds }) => inbounds.some((inbound) => !isDown(inbound)));
  const certain = reachable.filter(({ inbounds }) => !inbounds.every((inbound) => key.indeterminate.includes(inbound)));
  try {
    return (certain.length > 0 ? certain : reachable).map((place) =>
      place.connectionOf(key, { ...moment, isFirst: place === places[0] }),
    );
  } catch (error) {
    if (error instanceof LinkNotConfiguredError) return [];
    throw error;
  }
}

function isSameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
