import { isVlessFlow, type VlessFlow } from "@veil/protocols";
import { AccountSchema } from "./generated/xray/proxy/vless/account_pb.ts";
import type { InboundUser } from "./inbound-user.ts";
import { decodeOrNull } from "./typed-message.ts";

/**
 * The VLESS client that an account lets in and how, also where it is none that we would write: with another level,
 * e-mail, field or version of UUID. Xray acts upon one flow and takes every other text for none.
 *
 * @returns the UUID in lower case with dashes and the flow that Xray acts upon; `null` for an account of another protocol,
 * and for one that can't be decoded or names no UUID
 */
export function readVlessAccount(account: InboundUser["account"]): { uuid: string; flow: VlessFlow } | null {
  if (account.protocol === "vless") return { uuid: account.uuid, flow: account.flow };
  if (account.protocol !== "other" || account.type !== AccountSchema.typeName) return null;
  const message = decodeOrNull(AccountSchema, Buffer.from(account.value, "base64"));
  const uuid = message === null ? null : canonicalUuid(message.id);
  if (message === null || uuid === null) return null;
  return { uuid, flow: isVlessFlow(message.flow) ? message.flow : "" };
}

function canonicalUuid(text: string): string | null {
  const hex = text.replaceAll("-", "").toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) return null;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
