import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeCounters } from "./decode-counters.ts";
import { QueryStatsResponseSchema } from "./generated/xray/app/stats/command_pb.ts";

function encoded(stat: readonly { readonly name: string; readonly value: bigint }[]): Uint8Array {
  return toBinary(QueryStatsResponseSchema, create(QueryStatsResponseSchema, { stat: [...stat] }));
}

describe("decodeCounters", () => {
  it("reads whatever the schema writes", () => {
    const anyCounter = fc.record({
      name: fc.string({ unit: "grapheme" }),
      value: fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) }),
    });
    fc.assert(
      fc.property(fc.array(anyCounter), (stat) => {
        const counters = stat.map(({ name, value }) => ({ name, value: Number(value) }));
        expect(decodeCounters(encoded(stat))).toEqual({ counters, invalid: [] });
      }),
    );
  });

  it("skips fields that it doesn't know, outside of a counter and in it", () => {
    const unknown = (writer: BinaryWriter) => writer.tag(9, WireType.LengthDelimited).string("later");
    const writer = unknown(new BinaryWriter()).tag(1, WireType.LengthDelimited).fork();
    unknown(writer.tag(1, WireType.LengthDelimited).string("a")).tag(2, WireType.Varint).int64(7).join();
    expect(decodeCounters(writer.finish())).toEqual({ counters: [{ name: "a", value: 7 }], invalid: [] });
  });

  it.each([-1n, 2n ** 53n])("sets a counter that stands at %s apart from the others", (value) => {
    const stat = [
      { name: "a", value },
      { name: "b", value: 7n },
    ];
    expect(decodeCounters(encoded(stat))).toEqual({
      counters: [{ name: "b", value: 7 }],
      invalid: [{ name: "a", value }],
    });
  });

  it("refuses every message that is cut off within a counter", () => {
    const whole = encoded([{ name: "user>>>1@veil>>>traffic>>>uplink", value: 300n }]);
    for (let length = 1; length < whole.length; length += 1) {
      expect(() => decodeCounters(whole.subarray(0, length))).toThrow();
    }
  });
});
