import { connectionLink, type VlessConnection } from "./connection.ts";
import type { AccountKind, Protocol } from "./protocol.ts";
import { connectedPlace } from "./connected-place.ts";
import { PLAIN_KIND, type TransportName } from "./inbound-kind.ts";
import type { LinkedKey, LinkSettings } from "./share-link.ts";
import { isSameUuidInXray, isUuidV4 } from "./uuid.ts";

/**
 * How an account's TCP streams travel: plainly, or with Vision. A client and its account must agree on it. Xray takes any
 * other text of an account over gRPC and treats it as the empty one; its client side refuses any other.
 */
export type VlessFlow = "" | "xtls-rprx-vision";

/** A VLESS user in Xray, apart from the e-mail. */
export interface VlessAccount {
  readonly protocol: "vless";
  /** Version 4, lower case. */
  readonly uuid: string;
  readonly flow: VlessFlow;
}

/** VLESS. */
export const vless: Protocol<VlessAccount> = {
  name: "vless",
  accountOf,
  isValidAccount,
  isSameAccount,
  inConfig: { protocol: "vless", members: ["id", "flow"], valuesOf: ({ uuid, flow }) => [uuid, flow] },
  connectionOf,
  shareLink,
};

function accountOf(
  { uuid, flow }: { readonly uuid: string; readonly flow: VlessFlow },
  { transport }: Pick<AccountKind, "transport"> = PLAIN_KIND,
): VlessAccount {
  return { protocol: "vless", uuid, flow: flowOver(transport, flow) };
}

/** Vision reads the TLS records of a TCP connection: over another transport there is nothing for it to read. */
function flowOver(transport: TransportName, flow: VlessFlow): VlessFlow {
  return transport === "tcp" ? flow : "";
}

/** The flow that the setting `REALITY_FLOW` stands for. */
export function vlessFlowOf(setting: "none" | "xtls-rprx-vision"): VlessFlow {
  return setting === "none" ? "" : setting;
}

/** Whether `text` is a flow that Xray acts upon. */
export function isVlessFlow(text: string): text is VlessFlow {
  return text === "" || text === "xtls-rprx-vision";
}

function isValidAccount(account: VlessAccount): boolean {
  return isUuidV4(account.uuid) && isVlessFlow(account.flow);
}

function isSameAccount(one: VlessAccount, other: VlessAccount): boolean {
  return isSameUuidInXray(one.uuid, other.uuid) && one.flow === other.flow;
}

/** The connection of a key to a server that takes VLESS with Reality. */
function connectionOf(key: LinkedKey, settings: LinkSettings): VlessConnection {
  const place = connectedPlace(key, settings);
  const flow = flowOver(place.transport.kind, key.flow);
  const encrypted = typeof settings.encryption === "string" && { encryption: settings.encryption };
  return { protocol: "vless", ...place, uuid: key.uuid, flow, ...encrypted };
}

function shareLink(key: LinkedKey, settings: LinkSettings): string {
  return connectionLink(connectionOf(key, settings), settings.noFlow);
}
