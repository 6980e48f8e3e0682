import type { HeaderSettings, RenderSettings, Subscription, UserAgentRule } from "@veil/subscriptions";
import type { DeviceArrival } from "./device-gate.ts";

/** A subscription as it stands, for somebody who came with its token. */
export interface SubscriptionView extends Subscription {
  readonly keyId: number;
}

/** A request for a subscription. */
export interface SubscriptionQuery {
  /** Whether the usage of the last days is needed, which costs a further look into the store. */
  readonly withUsage: boolean;
  /** The device that asks; null for people who look at the page. */
  readonly arrival: DeviceArrival | null;
}

/** Where subscriptions are found. */
export interface SubscriptionReader {
  /**
   * @param token as it was asked for
   * @returns null when no key has this token
   * @throws {StoreUnavailableError} while the store is unavailable
   */
  findByToken(token: string, query: SubscriptionQuery): Promise<SubscriptionView | null>;
}

/** How an installation's subscriptions look. */
export interface SubscriptionSettings extends RenderSettings, HeaderSettings {
  /** Asked before those that every installation has. */
  readonly userAgentRules: readonly UserAgentRule[];
  /** Of the days and dates on the page, an IANA name. */
  readonly timeZone: string;
}
