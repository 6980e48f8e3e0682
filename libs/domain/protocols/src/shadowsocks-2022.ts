import { connectionLink, type ShadowsocksConnection } from "./connection.ts";
import { derivedSecret } from "./derived-secret.ts";
import { type InboundKind, PLAIN_KIND } from "./inbound-kind.ts";
import type { Protocol } from "./protocol.ts";
import type { LinkedKey, LinkSettings } from "./share-link.ts";
import { shadowsocksKeyLength, type ShadowsocksMethod, shadowsocksMethodOf } from "./shadowsocks-method.ts";

/** A Shadowsocks user in Xray, apart from the e-mail. */
export interface ShadowsocksAccount {
  readonly protocol: "shadowsocks-2022";
  /** The user's own key: base64 of as many bytes as the server's. */
  readonly key: string;
}

/** Shadowsocks 2022 with many users: a client names the server's key, which all of them know, and its own. */
export const shadowsocks2022: Protocol<ShadowsocksAccount> = {
  name: "shadowsocks-2022",
  accountOf,
  isValidAccount: ({ key }) => shadowsocksMethodOf(key) !== null,
  isSameAccount: (one, other) => one.key === other.key,
  inConfig: { protocol: "shadowsocks", members: ["password"], valuesOf: ({ key }) => [key] },
  connectionOf,
  shareLink: (key, settings) => connectionLink(connectionOf(key, settings), settings.noFlow),
};

const SHORTEST: ShadowsocksMethod = "2022-blake3-aes-128-gcm";

function accountOf(
  { uuid }: Pick<LinkedKey, "uuid">,
  { serverKey }: Pick<InboundKind, "serverKey"> = PLAIN_KIND,
): ShadowsocksAccount {
  return { protocol: "shadowsocks-2022", key: userKeyOf(uuid, methodOf(serverKey)) };
}

function methodOf(serverKey: string | null): ShadowsocksMethod {
  return (serverKey === null ? null : shadowsocksMethodOf(serverKey)) ?? SHORTEST;
}

/** For each method another one: the shorter is no part of the longer. */
function userKeyOf(uuid: string, method: ShadowsocksMethod): string {
  return derivedSecret(uuid, method, shadowsocksKeyLength(method)).toString("base64");
}

function connectionOf({ uuid, remark }: LinkedKey, settings: LinkSettings): ShadowsocksConnection {
  const { host, port, serverKey = null } = settings;
  const method = methodOf(serverKey);
  return {
    protocol: "shadowsocks-2022",
    remark,
    address: host.replace(/^\[(.*)\]$/, "$1"),
    port,
    security: { kind: "none" },
    transport: { kind: "tcp" },
    method,
    password: `${serverKey ?? ""}:${userKeyOf(uuid, method)}`,
  };
}
