import { WireType } from "@bufbuild/protobuf/wire";
import { type ShadowsocksAccount, shadowsocksMethodOf } from "@veil/protocols";
import { z } from "zod";
import type { AccountCodec } from "./account-codec.ts";
import {
  AccountSchema,
  MultiUserServerConfigSchema,
} from "./generated/xray/proxy/shadowsocks_2022/shadowsocks_2022_pb.ts";
import { decodeOrNull } from "./typed-message.ts";

/** Shadowsocks 2022 on the wire. An inbound for one user, which takes no others, has settings of another kind. */
export const shadowsocksCodec: AccountCodec<ShadowsocksAccount> = {
  accountType: AccountSchema.typeName,
  inboundType: MultiUserServerConfigSchema.typeName,
  clientsField: MultiUserServerConfigSchema.field.users.number,
  accountSchema: z.object({ protocol: z.literal("shadowsocks-2022"), key: z.string() }),

  write(writer, { key }) {
    writer.tag(AccountSchema.field.key.number, WireType.LengthDelimited).string(key);
  },

  decode(value) {
    const message = decodeOrNull(AccountSchema, value);
    if (message === null || message.$unknown !== undefined || shadowsocksMethodOf(message.key) === null) return null;
    return { protocol: "shadowsocks-2022", key: message.key };
  },
};
