import type { VlessAccount } from "./vless.ts";
import { vless } from "./vless.ts";

/** Every protocol that a key can have, by name. A further one is its own file and a line here. */
export const protocols = { vless } as const;

export type ProtocolName = keyof typeof protocols;

/** The account of a key under any of the protocols, told apart by `protocol`. */
export type Account = VlessAccount;
