import { toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { codecOfInbound } from "./codecs.ts";
import { InvalidXrayRequestError } from "./errors.ts";
import { type InboundHandlerConfig, InboundHandlerConfigSchema } from "./generated/xray/core/core_pb.ts";
import { decodeDefinition, type InboundDefinition } from "./inbound-definition.ts";
import { type InboundUser, writeUser } from "./inbound-user.ts";
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

  const { distinct, doubles } = distinctByEmail(othersFirst(users));
  const room = Math.max(0, maxBytes - ENVELOPE_BYTES - toBinary(InboundHandlerConfigSchema, config).length);
  const { chunks, leftOver } = encodeWithin(room, distinct, codec.clientsField);
  // The users are a repeated field of the settings, and those of one message may stand in any place of it.
  const value = Buffer.concat([settings.value, ...chunks]);
  return { inbound: { ...config, proxySettings: { ...settings, value } }, leftOver: [...leftOver, ...doubles] };
}

function distinctByEmail(users: readonly InboundUser[]): { distinct: InboundUser[]; doubles: InboundUser[] } {
  const seen = new Set<string>();
  const distinct: InboundUser[] = [];
  const doubles: InboundUser[] = [];
  for (const user of users) {
    const email = user.email.toLowerCase();
    (seen.has(email) ? doubles : distinct).push(user);
    seen.add(email);
  }
  return { distinct, doubles };
}

/**
 * The first of the users, as many as fit. Encoded all at once, which is far faster than one by one; when they don't fit, so
 * many as their common length makes likely to, and then one more at a time.
 */
function encodeWithin(
  room: number,
  users: readonly InboundUser[],
  field: number,
): { chunks: readonly Uint8Array[]; leftOver: readonly InboundUser[] } {
  let fitting = users.length;
  let bytes = encodeUsers(users, field);
  while (bytes.length > room) {
    fitting = Math.floor((fitting * room) / bytes.length);
    bytes = encodeUsers(users.slice(0, fitting), field);
  }
  const chunks = [bytes];
  let left = room - bytes.length;
  for (const user of users.slice(fitting)) {
    const one = encodeUsers([user], field);
    if (one.length > left) break;
    chunks.push(one);
    left -= one.length;
    fitting += 1;
  }
  return { chunks, leftOver: users.slice(fitting) };
}

function encodeUsers(users: readonly InboundUser[], field: number): Uint8Array {
  const writer = new BinaryWriter();
  for (const user of users) {
    writer.tag(field, WireType.LengthDelimited).fork();
    writeUser(writer, user);
    writer.join();
  }
  return writer.finish();
}

function othersFirst(users: readonly InboundUser[]): InboundUser[] {
  return users.toSorted((one, other) => rank(one) - rank(other));
}

function rank(user: InboundUser): number {
  return user.account.protocol === "other" ? 0 : 1;
}
