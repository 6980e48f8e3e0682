import { WireType } from "@bufbuild/protobuf/wire";
import { isVlessFlow, vless, type VlessAccount } from "@veil/protocols";
import { z } from "zod";
import type { AccountCodec } from "./account-codec.ts";
import { AccountSchema } from "./generated/xray/proxy/vless/account_pb.ts";
import { ConfigSchema } from "./generated/xray/proxy/vless/inbound_pb.ts";
import { decodeOrNull } from "./typed-message.ts";

const FIELD = { id: AccountSchema.field.id.number, flow: AccountSchema.field.flow.number } as const;

/** VLESS on the wire. */
export const vlessCodec: AccountCodec<VlessAccount> = {
  accountType: AccountSchema.typeName,
  inboundType: ConfigSchema.typeName,
  clientsField: ConfigSchema.field.clients.number,
  accountSchema: z.object({
    protocol: z.literal("vless"),
    uuid: z.string(),
    flow: z.enum(["", "xtls-rprx-vision"]),
  }),

  /** The UUID without dashes, which Xray doesn't need: 50,000 users must fit into one message of 4 MiB. */
  write(writer, { uuid, flow }) {
    writer.tag(FIELD.id, WireType.LengthDelimited).string(uuid.replaceAll("-", ""));
    if (flow !== "") writer.tag(FIELD.flow, WireType.LengthDelimited).string(flow);
  },

  decode(value) {
    const message = decodeOrNull(AccountSchema, value);
    if (message === null || message.$unknown !== undefined || !isVlessFlow(message.flow)) return null;
    const account: VlessAccount = { protocol: "vless", uuid: message.id, flow: message.flow };
    return vless.isValidAccount(account) ? account : null;
  },
};
