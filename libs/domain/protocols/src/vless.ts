import type { Protocol } from "./protocol.ts";
import { linkAuthority, type LinkedKey, linkQuery, type LinkSettings, percentEncode } from "./share-link.ts";
import { isSameUuidInXray, isUuidV4 } from "./uuid.ts";

/**
 * How an account's TCP streams travel: plainly, or with Vision. A client and its account must agree on it. Xray takes any
 * other text of an account over gRPC and treats it as the empty one; its client side refuses any other.
 */
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

function accountOf({ uuid, flow }: { readonly uuid: string; readonly flow: VlessFlow }): VlessAccount {
  return { protocol: "vless", uuid, flow };
}

/** The flow that the setting `REALITY_FLOW` stands for. */
export function vlessFlowOf(setting: "none" | "xtls-rprx-vision"): VlessFlow {
  return setting === "none" ? "" : setting;
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

/**
 * The order of the parameters is part of the HTTP contract. A flow is written only when there is one: `flow=none` is no
 * flow to Xray (`infra/conf/vless.go`) or to sing-box, and both refuse the outbound that names it.
 */
function shareLink(key: LinkedKey, settings: LinkSettings): string {
  const parameters = [
    ["type", "tcp"],
    ["security", "reality"],
    ["sni", settings.sni],
    ["fp", settings.fingerprint],
    ["pbk", settings.publicKey],
    ["sid", settings.shortId],
    ["spx", "/"],
  ] as const;
  const query =
    key.flow === "" && settings.noFlow === "write"
      ? linkQuery([...parameters, ["flow", "none"]])
      : linkQuery([["encryption", "none"], ...parameters, ...(key.flow === "" ? [] : [["flow", key.flow] as const])]);
  const authority = linkAuthority(settings.host, settings.port);
  return `vless://${key.uuid}@${authority}?${query}#${percentEncode(key.remark)}`;
}
