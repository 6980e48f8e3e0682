/** A key in the terms of each VPN protocol: its account and its share link. Pure. */
export {
  type Connection,
  connectionLink,
  type ConnectionSecurity,
  type ConnectionTransport,
  type RealitySecurity,
  type ShadowsocksConnection,
  type TrojanConnection,
  type VlessConnection,
} from "./connection.ts";
export {
  hasReality,
  type InboundKind,
  isPlainKind,
  isSameKind,
  kindFault,
  PLAIN_KIND,
  type TransportName,
  TRANSPORTS,
  transportOf,
} from "./inbound-kind.ts";
export { fingerprintHint, fingerprints } from "./fingerprints.ts";
export type { ConfigForm } from "./config-form.ts";
export type { AccountKind, Protocol } from "./protocol.ts";
export type { Account, ProtocolName } from "./protocols.ts";
export { keyProtocol, protocolNamed, protocolOf, PROTOCOLS } from "./protocols.ts";
export { type RunningInbound, runningFault, type SaidInbound } from "./running-inbound.ts";
export { type LinkedKey, linkAuthority, type LinkSettings, linkName, percentEncode } from "./share-link.ts";
export { type ShadowsocksAccount, shadowsocks2022 } from "./shadowsocks-2022.ts";
export { SHADOWSOCKS_METHODS, type ShadowsocksMethod, shadowsocksMethodOf } from "./shadowsocks-method.ts";
export { keyIdOfEmail, userEmail } from "./user-email.ts";
export { isSameUuidInXray, isUuidV4 } from "./uuid.ts";
export type { TrojanAccount } from "./trojan.ts";
export { isTrojanPassword, trojan } from "./trojan.ts";
export type { VlessAccount, VlessFlow } from "./vless.ts";
export { LONGEST_VLESS_ENCRYPTION, VLESS_ENCRYPTION } from "./vless-encryption.ts";
export { isVlessFlow, vless, vlessFlowOf } from "./vless.ts";
