import type { Protocol } from "./protocol.ts";
import { linkAuthority, linkName, linkQuery, percentEncode } from "./share-link.ts";
import type { LinkedKey, LinkFlow, LinkSettings } from "./share-link.ts";
import { isSameUuidInXray, isUuidV4 } from "./uuid.ts";

/** How an account's TCP streams travel. Xray takes any other text too and treats it as the empty one. */
export type VlessFlow = "" | "xtls-rprx-vision";

/** What Xray knows of a VLESS user beside the e-mail. */
export interface VlessAccount {
  readonly protocol: "vless";
  /** Version 4, lower case. */
  readonly uuid: string;
  readonly flow: VlessFlow;
}

/** VLESS over TCP with Reality. */
export const vless: Protocol<VlessAccount> = {
  name: "vless",
  accountOf,
  uuidOf,
  isValidAccount,
  isSameAccount,
  shareLink,
};

function accountOf(key: { readonly uuid: string }, flow: LinkFlow): VlessAccount {
  return { protocol: "vless", uuid: key.uuid, flow: vlessFlowOf(flow) };
}

/** The flow of accounts whose links name this one. */
export function vlessFlowOf(flow: LinkFlow): VlessFlow {
  return flow === "none" ? "" : flow;
}

/** Whether `text` is a flow that Xray acts upon. */
export function isVlessFlow(text: string): text is VlessFlow {
  return text === "" || text === "xtls-rprx-vision";
}

function uuidOf(account: VlessAccount): string {
  return account.uuid;
}

function isValidAccount(account: VlessAccount): boolean {
  return isUuidV4(account.uuid) && isVlessFlow(account.flow);
}

function isSameAccount(one: VlessAccount, other: VlessAccount): boolean {
  return isSameUuidInXray(one.uuid, other.uuid) && one.flow === other.flow;
}

/** The order of the parameters, and `flow=none` for an empty flow, are part of the HTTP contract. */
function shareLink(key: LinkedKey, settings: LinkSettings): string {
  const query = linkQuery([
    ["type", "tcp"],
    ["security", "reality"],
    ["sni", settings.sni],
    ["fp", settings.fingerprint],
    ["pbk", settings.publicKey],
    ["sid", settings.shortId],
    ["spx", "/"],
    ["flow", settings.flow],
  ]);
  const authority = linkAuthority(settings.host, settings.port);
  return `vless://${key.uuid}@${authority}?${query}#${percentEncode(linkName(key))}`;
}
