import { deflateRawSync, inflateRawSync } from "node:zlib";
import { z } from "zod";
import { keyCodec } from "./key-codec.ts";
import { contradicted, notApplied } from "./not-applied.ts";

/** The result of "create-key", and of each item of "create-keys". */
export const createResult = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("created"), key: keyCodec }),
  contradicted[0],
  ...notApplied,
]);

const items = z.array(createResult);
/** The same before they are decoded; the codec's other side parses them. */
const itemsOnWire = z.array(z.custom<z.input<typeof createResult>>());

/** `items` stand in Redis either as they are or packed: JSON, compressed, in base64. */
const createKeysWire = z
  .object({ outcome: z.literal("done"), items: itemsOnWire.optional(), packed: z.string().optional() })
  .refine(({ items: plain, packed }) => plain !== undefined || packed !== undefined, "it has no items");

/**
 * The result of "create-keys". BullMQ keeps a result twice, in the job and in its stream of events, and that of a thousand keys has
 * 260 kB: packed it has a quarter. Only an API that said so in the payload reads that form.
 */
export const createKeysResult = z.codec(
  createKeysWire,
  z.object({
    outcome: z.literal("done"),
    items,
    /** Whether to write it packed; not there when it is read. */
    pack: z.boolean().optional(),
  }),
  {
    decode: ({ outcome, items: plain = [], packed }) => ({
      outcome,
      items: packed === undefined ? plain : unpack(packed),
    }),
    encode: ({ outcome, items: plain, pack = false }) =>
      pack ? { outcome, packed: deflateRawSync(JSON.stringify(plain)).toString("base64") } : { outcome, items: plain },
  },
);

function unpack(packed: string): z.output<typeof itemsOnWire> {
  return itemsOnWire.parse(JSON.parse(inflateRawSync(Buffer.from(packed, "base64")).toString()));
}
