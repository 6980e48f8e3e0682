import type { HeaderSettings, RenderSettings, Subscription, UserAgentRule } from "@veil/subscriptions";

/** A subscription as it stands, for somebody who came with its token. */
export interface SubscriptionView extends Subscription {
  readonly keyId: number;
}

/** Where subscriptions are found. */
export interface SubscriptionReader {
  /**
   * @param token as it was asked for
   * @param options `withUsage`: whether the usage of the last days is needed, which costs a further look into the store
   * @returns null when no key has this token
   * @throws {StoreUnavailableError} while the store is unavailable
   */
  findByToken(token: string, options: { readonly withUsage: boolean }): Promise<SubscriptionView | null>;
}

/** How an installation's subscriptions look. */
export interface SubscriptionSettings extends RenderSettings, HeaderSettings {
  /** Asked before those that every installation has. */
  readonly userAgentRules: readonly UserAgentRule[];
  /** Of the days and dates on the page, an IANA name. */
  readonly timeZone: string;
}
