import { type Account, PROTOCOLS, type ProtocolName } from "@veil/protocols";
import { z } from "zod";
import type { AccountCodec } from "./account-codec.ts";
import { shadowsocksCodec } from "./shadowsocks-codec.ts";
import { trojanCodec } from "./trojan-codec.ts";
import { vlessCodec } from "./vless-codec.ts";

type CodecOf<P extends ProtocolName> = AccountCodec<Extract<Account, { readonly protocol: P }>>;

/** One codec for every protocol that a key can have. */
const codecs = {
  vless: vlessCodec,
  trojan: trojanCodec,
  "shadowsocks-2022": shadowsocksCodec,
} as const satisfies { [P in ProtocolName]: CodecOf<P> };

/** The codec of an account's protocol. */
export function codecOf(account: Account): AccountCodec<Account> {
  return codecs[account.protocol];
}

/** The codec for inbounds with settings of this kind. */
export function codecOfInbound(type: string): AccountCodec<Account> | undefined {
  return Object.values(codecs).find((codec) => codec.inboundType === type);
}

/** The protocol whose accounts are of this kind. */
export function protocolOfAccount(type: string): ProtocolName | undefined {
  return PROTOCOLS.find((name) => codecs[name].accountType === type);
}

/** An account of any protocol, as it is stored in JSON. */
export const accountSchema: z.ZodType<Account> = z.union(Object.values(codecs).map((codec) => codec.accountSchema));

/** The codec for accounts of this kind. */
export function codecOfAccount(type: string): AccountCodec<Account> | undefined {
  return Object.values(codecs).find((codec) => codec.accountType === type);
}
