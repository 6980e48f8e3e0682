/** How the inbounds of a protocol, and the accounts in them, stand in Xray's config file. */
export interface ConfigForm<Account> {
  /** The `protocol` of such an inbound. */
  readonly protocol: "vless" | "trojan" | "shadowsocks";
  /** The members of a client that say how it gets in. Each client has the first one; of the others, one that is empty is left out. */
  readonly members: readonly [string, ...string[]];
  /** An account as these members, in their order. */
  valuesOf(account: Account): readonly [string, ...string[]];
}
