import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { z } from "zod";
import { codecOfInbound } from "./codecs.ts";
import { InvalidXrayRequestError } from "./errors.ts";
import { ReceiverConfigSchema } from "./generated/xray/app/proxyman/proxyman_pb.ts";
import { UserSchema } from "./generated/xray/common/protocol_pb.ts";
import type { TypedMessage } from "./generated/xray/common/serial_pb.ts";
import { type InboundHandlerConfig, InboundHandlerConfigSchema } from "./generated/xray/core/core_pb.ts";
import { ConfigSchema as RealityConfigSchema } from "./generated/xray/transport/reality/reality_pb.ts";
import { packTyped, unpackTyped } from "./typed-message.ts";

/**
 * An inbound as Xray describes it, without its users: enough to make it again. It holds the Reality private key, so it
 * is a secret. Plain JSON, to be stored as it is and read back with this schema.
 */
export const inboundDefinitionSchema = z
  .object({
    tag: z.string().min(1),
    /** The encoded `xray.core.InboundHandlerConfig`. */
    config: z.base64().min(1),
  })
  .readonly();

export type InboundDefinition = z.infer<typeof inboundDefinitionSchema>;

const SHORT_ID = /^(?:[0-9a-f]{2}){1,8}$/;
const SHORT_ID_BYTES = 8;

/**
 * The definition of an inbound that Xray listed. Users without an e-mail stay in it: nothing else ever lists them, and
 * they are not ours to drop. `null` when the inbound is of a kind that this package doesn't know.
 */
export function definitionOf(inbound: InboundHandlerConfig): InboundDefinition | null {
  const settings = inbound.proxySettings;
  const codec = settings && codecOfInbound(settings.type);
  if (settings === undefined || codec === undefined) return null;
  const value = withNamelessClients(settings.value, codec.clientsField);
  return encodeDefinition({ ...inbound, proxySettings: { ...settings, value } });
}

/**
 * The config inside a definition, sure to have both its settings: Xray would be ended by a config without.
 *
 * @throws {InvalidXrayRequestError} when it is not such a config.
 */
export function decodeDefinition(
  definition: InboundDefinition,
): InboundHandlerConfig & { proxySettings: TypedMessage } {
  const config = decodeConfig(definition);
  const { proxySettings, receiverSettings } = config;
  if (config.tag !== definition.tag)
    throw new InvalidXrayRequestError(`the definition of ${definition.tag} is mixed up`);
  if (proxySettings === undefined || unpackTyped(ReceiverConfigSchema, receiverSettings) === null) {
    throw new InvalidXrayRequestError(`the definition of ${definition.tag} lacks its settings`);
  }
  return { ...config, proxySettings };
}

/**
 * The definition with this Reality short id added, `null` when it is there already. Clients that use another short id
 * of the inbound keep working.
 *
 * @param shortId hexadecimal, 2 to 16 digits, an even number of them.
 * @throws {InvalidXrayRequestError} when the short id is malformed or the inbound doesn't speak Reality.
 */
export function ensureShortId(definition: InboundDefinition, shortId: string): InboundDefinition | null {
  const wanted = shortIdBytes(shortId);
  const config = decodeDefinition(definition);
  const receiver = unpackTyped(ReceiverConfigSchema, config.receiverSettings);
  const stream = receiver?.streamSettings;
  const reality = stream?.securitySettings.find((settings) => settings.type === RealityConfigSchema.typeName);
  const realityConfig = unpackTyped(RealityConfigSchema, reality);
  if (receiver === null || stream === undefined || reality === undefined || realityConfig === null) {
    throw new InvalidXrayRequestError(`the inbound ${definition.tag} does not speak Reality`);
  }
  if (realityConfig.shortIds.some((known) => Buffer.compare(known, wanted) === 0)) return null;
  realityConfig.shortIds.push(wanted);
  reality.value = toBinary(RealityConfigSchema, realityConfig);
  config.receiverSettings = packTyped(ReceiverConfigSchema, receiver);
  return encodeDefinition(config);
}

function shortIdBytes(shortId: string): Uint8Array {
  if (!SHORT_ID.test(shortId.toLowerCase())) throw new InvalidXrayRequestError(`${shortId} is not a short id`);
  const bytes = new Uint8Array(SHORT_ID_BYTES);
  bytes.set(Buffer.from(shortId, "hex"));
  return bytes;
}

function encodeDefinition(config: InboundHandlerConfig): InboundDefinition {
  const bytes = toBinary(InboundHandlerConfigSchema, config);
  return { tag: config.tag, config: Buffer.from(bytes).toString("base64") };
}

function decodeConfig(definition: InboundDefinition): InboundHandlerConfig {
  try {
    return fromBinary(InboundHandlerConfigSchema, Buffer.from(definition.config, "base64"));
  } catch (error) {
    throw new InvalidXrayRequestError(`the definition of ${definition.tag} does not decode: ${String(error)}`);
  }
}

const EMAIL_FIELD = UserSchema.field.email.number;

/**
 * Inbound settings with those users only that have no e-mail. Works on the encoded bytes, since there may be tens of thousands
 * of users, and none of them is to be known but by that.
 *
 * @param clientsField the number of the field that holds the users
 * @throws on bytes that are no message
 */
function withNamelessClients(settings: Uint8Array, clientsField: number): Uint8Array {
  const reader = new BinaryReader(settings);
  const kept: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wireType] = reader.tag();
    if (field === clientsField && wireType === WireType.LengthDelimited) {
      if (hasEmail(reader.bytes())) continue;
    } else {
      reader.skip(wireType, field);
    }
    kept.push(settings.subarray(start, reader.pos));
  }
  return Buffer.concat(kept);
}

function hasEmail(user: Uint8Array): boolean {
  const reader = new BinaryReader(user);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === EMAIL_FIELD && wireType === WireType.LengthDelimited) {
      if (reader.uint32() > 0) return true;
    } else {
      reader.skip(wireType, field);
    }
  }
  return false;
}
