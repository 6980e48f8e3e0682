import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type TypedMessage, TypedMessageSchema } from "./generated/xray/common/serial_pb.ts";

/** Wraps a message with its own name, so that the two can't drift apart. */
export function packTyped<D extends DescMessage>(schema: D, init: MessageInitShape<D>): TypedMessage {
  return create(TypedMessageSchema, { type: schema.typeName, value: toBinary(schema, create(schema, init)) });
}

/** The message inside. `null` when nothing is there, when it is of another kind, and when its bytes don't decode. */
export function unpackTyped<D extends DescMessage>(schema: D, typed: TypedMessage | undefined): MessageShape<D> | null {
  return typed?.type === schema.typeName ? decodeOrNull(schema, typed.value) : null;
}

/** The message in these bytes, `null` when they don't decode. */
export function decodeOrNull<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> | null {
  try {
    return fromBinary(schema, bytes);
  } catch {
    return null;
  }
}
