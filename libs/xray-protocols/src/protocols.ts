import type { VlessAccount } from "./vless.ts";
import { vless } from "./vless.ts";

/** Every protocol that an account can have, by name. A further one is its own file and a line here. */
export const protocols = { vless } as const;

/** The protocol of the keys that are sold: what every node's users and every link are of. */
export const keyProtocol = protocols.vless;

export type ProtocolName = keyof typeof protocols;

/** An account under any of the protocols, told apart by `protocol`. */
export type Account = VlessAccount;
