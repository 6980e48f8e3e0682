/** What a VPN protocol says of a key: its account and its share link. Pure. */
export {
  type Connection,
  connectionLink,
  type ConnectionSecurity,
  type ConnectionTransport,
  type RealitySecurity,
  type VlessConnection,
} from "./connection.ts";
export { fingerprintHint, fingerprints } from "./fingerprints.ts";
export type { Protocol } from "./protocol.ts";
export type { Account, ProtocolName } from "./protocols.ts";
export { keyProtocol, protocolOf } from "./protocols.ts";
export { type LinkedKey, linkAuthority, type LinkSettings, linkName, percentEncode } from "./share-link.ts";
export { keyIdOfEmail, userEmail } from "./user-email.ts";
export { isSameUuidInXray, isUuidV4 } from "./uuid.ts";
export type { VlessAccount, VlessFlow } from "./vless.ts";
export { isVlessFlow, vless, vlessFlowOf } from "./vless.ts";
