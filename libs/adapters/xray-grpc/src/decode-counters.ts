import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { QueryStatsResponseSchema, StatSchema } from "./generated/xray/app/stats/command_pb.ts";

/** A counter of Xray, for example `user>>>1@veil>>>traffic>>>uplink`. */
export interface Counter {
  readonly name: string;
  /** Absolute, since the counter came to be in this life of the process. */
  readonly value: number;
}

const STAT = QueryStatsResponseSchema.field.stat.number;
const NAME = StatSchema.field.name.number;
const VALUE = StatSchema.field.value.number;

/** Whether a counter can stand there: at a whole number from 0 to 2^53 - 1. */
export function isCounterValue(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/**
 * The counters in a `QueryStatsResponse`. By hand, because it is read every few seconds and names two counters for every
 * user that ever connected: through message objects it takes more than twice as long.
 *
 * @throws on bytes that are no such message, and on a counter that stands where none can stand
 */
export function decodeCounters(message: Uint8Array): Counter[] {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const reader = new BinaryReader(bytes);
  const counters: Counter[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === STAT && wireType === WireType.LengthDelimited) {
      counters.push(readCounter(reader, bytes, endOfField(reader)));
    } else {
      reader.skip(wireType, field);
    }
  }
  return counters;
}

function readCounter(reader: BinaryReader, bytes: Buffer, end: number): Counter {
  let name = "";
  let value = 0;
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    if (field === NAME && wireType === WireType.LengthDelimited) {
      const endOfName = endOfField(reader);
      name = bytes.toString("utf8", reader.pos, endOfName);
      reader.pos = endOfName;
    } else if (field === VALUE && wireType === WireType.Varint) {
      value = Number(reader.int64());
    } else {
      reader.skip(wireType, field);
    }
  }
  if (reader.pos !== end) throw new RangeError(`the counter ${name} does not end where it should`);
  if (!isCounterValue(value)) throw new RangeError(`the counter ${name} stands at ${value}`);
  return { name, value };
}

/** Reads a length; where the field ends that begins behind it. */
function endOfField(reader: BinaryReader): number {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError("the message ends in the middle of a field");
  return end;
}
