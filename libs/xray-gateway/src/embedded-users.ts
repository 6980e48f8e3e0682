import { toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { codecOfInbound } from "./codecs.ts";
import { InvalidXrayRequestError } from "./errors.ts";
import { UserSchema } from "./generated/xray/common/protocol_pb.ts";
import type { InboundHandlerConfig } from "./generated/xray/core/core_pb.ts";
import { InboundHandlerConfigSchema } from "./generated/xray/core/core_pb.ts";
import type { InboundDefinition } from "./inbound-definition.ts";
import { decodeDefinition } from "./inbound-definition.ts";
import type { InboundUser } from "./inbound-user.ts";
import { encodeUser } from "./inbound-user.ts";
import { checkUser } from "./request-checks.ts";

/** The longest message that Xray's gRPC server takes. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Room for the lengths of the four messages around the users, which grow with what is inside. */
const ENVELOPE_BYTES = 32;

export interface EmbeddedUsers {
  readonly inbound: InboundHandlerConfig;
  /** Those who didn't go in. */
  readonly leftOver: InboundUser[];
}

/**
 * An inbound config with users in it, as many as one message takes. Other people's users go in first. Of two users with
 * one e-mail the second is left over, because Xray would refuse the whole inbound for it.
 *
 * @throws {InvalidXrayRequestError} when the definition is malformed or a user may not be sent.
 */
export function embedUsers(
  definition: InboundDefinition,
  users: readonly InboundUser[],
  maxBytes = MAX_MESSAGE_BYTES,
): EmbeddedUsers {
  const config = decodeDefinition(definition);
  const settings = config.proxySettings;
  const codec = codecOfInbound(settings.type);
  if (codec === undefined) {
    throw new InvalidXrayRequestError(`the inbound ${definition.tag} is of the unsupported kind ${settings.type}`);
  }
  for (const user of users) checkUser(user, codec.accountType);

  const writer = new BinaryWriter();
  const embedded = new Set<string>();
  const leftOver: InboundUser[] = [];
  let room = maxBytes - ENVELOPE_BYTES - toBinary(InboundHandlerConfigSchema, config).length;
  for (const user of othersFirst(users)) {
    const email = user.email.toLowerCase();
    const bytes = toBinary(UserSchema, encodeUser(user));
    const length = fieldLength(bytes.length);
    if (length > room || embedded.has(email)) {
      leftOver.push(user);
    } else {
      writer.tag(codec.clientsField, WireType.LengthDelimited).bytes(bytes);
      embedded.add(email);
      room -= length;
    }
  }
  // The users are a repeated field of the settings, and those of one message may stand in any place of it.
  const value = Buffer.concat([settings.value, writer.finish()]);
  return { inbound: { ...config, proxySettings: { ...settings, value } }, leftOver };
}

function othersFirst(users: readonly InboundUser[]): InboundUser[] {
  return users.toSorted((one, other) => rank(one) - rank(other));
}

function rank(user: InboundUser): number {
  return user.account.protocol === "other" ? 0 : 1;
}

/** A field with a number below 16: one byte of tag, the length as a varint, the bytes. */
function fieldLength(bytes: number): number {
  return 1 + Math.ceil(Math.log2(bytes + 1) / 7) + bytes;
}
