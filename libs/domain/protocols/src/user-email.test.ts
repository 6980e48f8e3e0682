import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyIdOfEmail, userEmail } from "./user-email.ts";

describe("userEmail", () => {
  it("gives every key an e-mail that leads back to it and is lower case", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (keyId) => {
        const email = userEmail(keyId);
        expect(keyIdOfEmail(email)).toBe(keyId);
        expect(email).toBe(email.toLowerCase());
      }),
    );
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("refuses %d", (keyId) => {
    expect(() => userEmail(keyId)).toThrow(RangeError);
  });
});

describe("keyIdOfEmail", () => {
  it("calls unmanaged whatever userEmail would not write", () => {
    const almostOurs = fc.stringMatching(/^[-+.0-9eExX_ ]{0,20}@[vV]eil ?$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), almostOurs), (email) => {
        const keyId = keyIdOfEmail(email);
        expect(keyId === null || userEmail(keyId) === email).toBe(true);
      }),
    );
  });

  it.each([
    "",
    "@veil",
    "0@veil",
    "01@veil",
    "1@veil ",
    "1@veil\n",
    "1@VEIL",
    "1@veil.example",
    "9007199254740992@veil",
  ])("calls %j unmanaged", (email) => {
    expect(keyIdOfEmail(email)).toBeNull();
  });
});
