import { WireType } from "@bufbuild/protobuf/wire";
import { isTrojanPassword, type TrojanAccount } from "@veil/protocols";
import { z } from "zod";
import type { AccountCodec } from "./account-codec.ts";
import { AccountSchema, ServerConfigSchema } from "./generated/xray/proxy/trojan/trojan_pb.ts";
import { decodeOrNull } from "./typed-message.ts";

/** Trojan on the wire. */
export const trojanCodec: AccountCodec<TrojanAccount> = {
  accountType: AccountSchema.typeName,
  inboundType: ServerConfigSchema.typeName,
  clientsField: ServerConfigSchema.field.users.number,
  accountSchema: z.object({ protocol: z.literal("trojan"), password: z.string() }),

  write(writer, { password }) {
    writer.tag(AccountSchema.field.password.number, WireType.LengthDelimited).string(password);
  },

  decode(value) {
    const message = decodeOrNull(AccountSchema, value);
    if (message === null || message.$unknown !== undefined || !isTrojanPassword(message.password)) return null;
    return { protocol: "trojan", password: message.password };
  },
};
