import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Account, protocolOf } from "@veil/protocols";
import { z } from "zod";
import { accountSchema, codecOf, codecOfAccount } from "./codecs.ts";
import { type User, UserSchema } from "./generated/xray/common/protocol_pb.ts";
import { TypedMessageSchema } from "./generated/xray/common/serial_pb.ts";
import { emailFault } from "./request-checks.ts";

/**
 * The account of a user that we can't have added: of another protocol, or with an e-mail, a level, a field or a UUID
 * that we never write.
 */
export interface OtherAccount {
  readonly protocol: "other";
  /** The full name of its message, `""` when the user has no account. */
  readonly type: string;
  /** Its bytes as Xray gave them, in base64, so that it can be put back unchanged. */
  readonly value: string;
  /** The policy level of the user. Ours have 0. */
  readonly level: number;
}

/** A user of an inbound. Plain JSON, and a secret: the account is all that a client needs to get in. */
export interface InboundUser {
  /** As it was added: Xray folds case when it looks a user up, but not when it names the user's counters. */
  readonly email: string;
  readonly account: Account | OtherAccount;
}

/** Reads back a user that was stored as JSON. */
export const inboundUserSchema: z.ZodType<InboundUser> = z.object({
  email: z.string(),
  account: z.union([
    accountSchema,
    z.object({ protocol: z.literal("other"), type: z.string(), value: z.base64(), level: z.int().min(0) }),
  ]),
});

const USER = UserSchema.field;
const TYPED = TypedMessageSchema.field;

/** The user as Xray takes it: a whole message of the kind `xray.common.protocol.User`. */
export function encodeUser(user: InboundUser): Uint8Array {
  const writer = new BinaryWriter();
  writeUser(writer, user);
  return writer.finish();
}

/**
 * Writes the fields of a user. By hand, because a rebuild writes all users while they wait: message objects, which the
 * schema is read for once for each of them, take five times as long.
 */
export function writeUser(writer: BinaryWriter, { email, account }: InboundUser): void {
  const [type, level] =
    account.protocol === "other" ? [account.type, account.level] : [codecOf(account).accountType, 0];
  if (level !== 0) writer.tag(USER.level.number, WireType.Varint).uint32(level);
  if (email !== "") writer.tag(USER.email.number, WireType.LengthDelimited).string(email);
  if (type === "") return;
  writer.tag(USER.account.number, WireType.LengthDelimited).fork();
  writer.tag(TYPED.type.number, WireType.LengthDelimited).string(type);
  writer.tag(TYPED.value.number, WireType.LengthDelimited);
  if (account.protocol === "other") {
    writer.bytes(Buffer.from(account.value, "base64"));
  } else {
    writer.fork();
    codecOf(account).write(writer, account);
    writer.join();
  }
  writer.join();
}

/** The user as Xray gave it. Never fails: what is not understood is an account of the protocol `other`. */
export function decodeUser({ email, level, account }: User): InboundUser {
  const { type, value } = account ?? { type: "", value: new Uint8Array() };
  const codec = level === 0 && emailFault(email) === null ? codecOfAccount(type) : undefined;
  const ours = codec?.decode(value) ?? null;
  if (ours !== null) return { email, account: ours };
  return { email, account: { protocol: "other", type, value: Buffer.from(value).toString("base64"), level } };
}

/** Whether the two are one user under one e-mail, and a client that is let in as the one is let in as the other. */
export function isSameUser(one: InboundUser, other: InboundUser): boolean {
  return one.email === other.email && isSameAccount(one.account, other.account);
}

function isSameAccount(one: InboundUser["account"], other: InboundUser["account"]): boolean {
  if (one.protocol !== "other" && other.protocol !== "other") {
    return one.protocol === other.protocol && protocolOf(one).isSameAccount(one, other);
  }
  if (one.protocol !== "other" || other.protocol !== "other") return false;
  return one.type === other.type && one.level === other.level && one.value === other.value;
}
