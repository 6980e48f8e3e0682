import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { UserSchema } from "./generated/xray/common/protocol_pb.ts";

const EMAIL_FIELD = UserSchema.field.email.number;

/**
 * Inbound settings with those users only that have no e-mail. Works on the encoded bytes, since there may be tens of thousands
 * of users, and none of them is to be known but by that.
 *
 * @param clientsField the number of the field that holds the users
 * @throws on bytes that are no message
 */
export function withNamelessClients(settings: Uint8Array, clientsField: number): Uint8Array {
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
