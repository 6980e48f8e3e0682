import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSameUuidInXray, isUuidV4 } from "./uuid.ts";

const uuidV4 = fc.uuid({ version: 4 });

describe("isUuidV4", () => {
  it("accepts what the platform generates", () => {
    for (let round = 0; round < 100; round++) expect(isUuidV4(randomUUID())).toBe(true);
  });

  it.each([
    ["upper case", "66AD4540-B58C-4AD2-9926-EA63445A9B57"],
    ["version 1", "66ad4540-b58c-1ad2-9926-ea63445a9b57"],
    ["version 7", "66ad4540-b58c-7ad2-9926-ea63445a9b57"],
    ["a foreign variant", "66ad4540-b58c-4ad2-c926-ea63445a9b57"],
    ["no dashes", "66ad4540b58c4ad29926ea63445a9b57"],
    ["braces", "{66ad4540-b58c-4ad2-9926-ea63445a9b57}"],
    ["a line break behind it", "66ad4540-b58c-4ad2-9926-ea63445a9b57\n"],
    ["a word, from which Xray would make a UUID", "hello"],
    ["nothing", ""],
  ])("refuses %s", (_fault, text) => {
    expect(isUuidV4(text)).toBe(false);
  });
});

describe("isSameUuidInXray", () => {
  it("ignores bytes 6 and 7, case and dashes", () => {
    fc.assert(
      fc.property(uuidV4, fc.stringMatching(/^[0-9a-f]{4}$/), (uuid, routingHint) => {
        const other = uuid.slice(0, 14) + routingHint + uuid.slice(18);
        expect(isSameUuidInXray(uuid, other)).toBe(true);
        expect(isSameUuidInXray(uuid, other.toUpperCase().replaceAll("-", ""))).toBe(true);
      }),
    );
  });

  it("tells apart UUIDs that differ in any other digit", () => {
    const compared = fc.constantFrom(
      ...Array.from({ length: 32 }, (_, digit) => digit).filter((d) => d < 12 || d > 15),
    );
    fc.assert(
      fc.property(uuidV4, compared, fc.integer({ min: 1, max: 15 }), (uuid, digit, change) => {
        const hex = uuid.replaceAll("-", "");
        const changed = (Number.parseInt(hex.charAt(digit), 16) ^ change).toString(16);
        expect(isSameUuidInXray(uuid, hex.slice(0, digit) + changed + hex.slice(digit + 1))).toBe(false);
      }),
    );
  });
});
