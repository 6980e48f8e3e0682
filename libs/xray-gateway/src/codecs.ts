import type { Account, ProtocolName } from "@veil/xray-protocols";
import type { AccountCodec } from "./account-codec.ts";
import { vlessCodec } from "./vless-codec.ts";

type CodecOf<P extends ProtocolName> = AccountCodec<Extract<Account, { readonly protocol: P }>>;

/** One codec for every protocol that a key can have. */
export const codecs = { vless: vlessCodec } as const satisfies { [P in ProtocolName]: CodecOf<P> };

/** The codec for inbounds with settings of this kind. */
export function codecOfInbound(type: string): AccountCodec<Account> | undefined {
  return Object.values(codecs).find((codec) => codec.inboundType === type);
}

/** The codec for accounts of this kind. */
export function codecOfAccount(type: string): AccountCodec<Account> | undefined {
  return Object.values(codecs).find((codec) => codec.accountType === type);
}
