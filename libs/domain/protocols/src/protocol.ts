import type { ConfigForm } from "./config-form.ts";
import type { Connection } from "./connection.ts";
import type { InboundKind } from "./inbound-kind.ts";
import type { LinkedKey, LinkSettings } from "./share-link.ts";
import type { VlessFlow } from "./vless.ts";

/** The part of an inbound's kind that decides which account a key has there. */
export type AccountKind = Pick<InboundKind, "transport" | "serverKey">;

/**
 * The project's view of a VPN protocol. One file implements it, `protocols.ts` lists it; nothing here speaks to Xray.
 */
export interface Protocol<Account extends { readonly protocol: string }> {
  readonly name: Account["protocol"];

  /** The account of a key, from what was fixed when the key was made, on an inbound of such a kind: a plain one when left out. */
  accountOf(key: { readonly uuid: string; readonly flow: VlessFlow }, inbound?: AccountKind): Account;

  /** Whether Xray accepts this account and does with it what it says. Xray itself checks next to nothing over gRPC. */
  isValidAccount(account: Account): boolean;

  /** Whether two accounts let in the same client in the same way. */
  isSameAccount(one: Account, other: Account): boolean;

  /** How Xray's config file has its inbounds and accounts. */
  readonly inConfig: ConfigForm<Account>;

  /** How a client connects with the key. */
  connectionOf(key: LinkedKey, settings: LinkSettings): Connection;

  /** The link that a VPN client imports. */
  shareLink(key: LinkedKey, settings: LinkSettings): string;
}
