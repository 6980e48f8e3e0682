import type { Protocol } from "./protocol.ts";
import { shadowsocks2022 } from "./shadowsocks-2022.ts";
import { trojan } from "./trojan.ts";
import { vless } from "./vless.ts";

/** Every protocol that an account can have, by name. A further one is its own file and a line here. */
export const protocols = { vless, trojan, "shadowsocks-2022": shadowsocks2022 } as const;

/** The protocol of inbounds of which nothing else is said. */
export const keyProtocol = protocols.vless;

export type ProtocolName = keyof typeof protocols;

/** The names of all of them. */
export const PROTOCOLS = ["vless", "trojan", "shadowsocks-2022"] as const satisfies readonly ProtocolName[];

/** The protocol of this name. */
export function protocolNamed(name: ProtocolName): Protocol<Account> {
  return protocols[name];
}

/** An account under any of the protocols, distinguished by `protocol`. */
export type Account = ReturnType<(typeof protocols)[ProtocolName]["accountOf"]>;

/** The protocol of an account. Of two accounts it may only be asked when they are of the same one. */
export function protocolOf(account: Account): Protocol<Account> {
  return protocols[account.protocol];
}
