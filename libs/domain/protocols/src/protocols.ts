import type { Protocol } from "./protocol.ts";
import { vless } from "./vless.ts";

/** Every protocol that an account can have, by name. A further one is its own file and a line here. */
export const protocols = { vless } as const;

/** The protocol of the keys that are sold: what every node's users and every link are of. */
export const keyProtocol = protocols.vless;

export type ProtocolName = keyof typeof protocols;

/** An account under any of the protocols, distinguished by `protocol`. */
export type Account = ReturnType<(typeof protocols)[ProtocolName]["accountOf"]>;

/** The protocol of an account. Of two accounts it may only be asked when they are of the same one. */
export function protocolOf(account: Account): Protocol<Account> {
  return protocols[account.protocol];
}
