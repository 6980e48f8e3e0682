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

/** A counter that stands where none can: not at a whole number from 0 to 2^53 - 1. */
export interface InvalidCounter {
  readonly name: string;
  readonly value: bigint;
}

export interface DecodedCounters {
  readonly counters: Counter[];
  readonly invalid: InvalidCounter[];
}

/** @returns null where no counter can stand */
export function counterValue(value: bigint): number | null {
  const whole = Number(value);
  return Number.isSafeInteger(whole) && whole >= 0 ? whole : null;
}

/**
 * The counters in a `QueryStatsResponse`. By hand, because it is read every few seconds and names two counters for every
 * user that ever connected: through message objects it takes more than twice as long.
 *
 * @throws on bytes that are no such message
 */
export function decodeCounters(message: Uint8Array): DecodedCounters {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const reader = new BinaryReader(bytes);
  const decoded: DecodedCounters = { counters: [], invalid: [] };
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === STAT && wireType === WireType.LengthDelimited) {
      readCounter(reader, bytes, endOfField(reader), decoded);
    } else {
      reader.skip(wireType, field);
    }
  }
  return decoded;
}

function readCounter(reader: BinaryReader, bytes: Buffer, end: number, { counters, invalid }: DecodedCounters): void {
  let name = "";
  let value = 0n;
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    if (field === NAME && wireType === WireType.LengthDelimited) {
      const endOfName = endOfField(reader);
      name = bytes.toString("utf8", reader.pos, endOfName);
      reader.pos = endOfName;
    } else if (field === VALUE && wireType === WireType.Varint) {
      value = BigInt(reader.int64());
    } else {
      reader.skip(wireType, field);
    }
  }
  if (reader.pos !== end) throw new RangeError(`the counter ${name} does not end where it should`);
  const whole = counterValue(value);
  if (whole === null) invalid.push({ name, value });
  else counters.push({ name, value: whole });
}

/** Reads a length; where the field ends that begins behind it. */
function endOfField(reader: BinaryReader): number {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError("the message ends in the middle of a field");
  return end;
}
