import * as fc from "fast-check";
import { expect, it } from "vitest";
import { formatEntryId, MalformedEntryIdError, parseEntryId } from "./model.ts";

it("reads back every name it writes", () => {
  const ids = fc.record({
    node: fc.stringMatching(/^[a-z0-9-]{1,32}$/),
    epoch: fc.nat(2_000_000_000),
    generation: fc.nat(1_000_000),
  });
  fc.assert(
    fc.property(ids, (id) => {
      expect(parseEntryId(formatEntryId(id))).toEqual(id);
    }),
  );
});

it.each(["", "main", "main:1", ":1:0", "main:x:0", "main:1:-1", "main:1:0:0", "main:1.5:0"])("refuses %j", (text) => {
  expect(() => parseEntryId(text)).toThrow(MalformedEntryIdError);
});
