import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exampleConnection } from "../test/example-subscription.ts";
import { uniqueRemarks } from "./entries.ts";

function unique(names: readonly string[], reserved?: readonly string[]): string[] {
  const connections = names.map((remark) => exampleConnection({ remark }));
  return uniqueRemarks(connections, reserved).map(({ remark }) => remark);
}

describe("uniqueRemarks", () => {
  it("counts equal names, and lets none take the name of another", () => {
    expect(unique(["a", "a", "a (2)", "a"])).toEqual(["a", "a (3)", "a (2)", "a (4)"]);
  });

  it("keeps clear of reserved names", () => {
    expect(unique(["DIRECT", "DIRECT (2)"], ["DIRECT"])).toEqual(["DIRECT (3)", "DIRECT (2)"]);
  });

  it("names what has no name after its address", () => {
    expect(unique(["", ""])).toEqual(["vpn.example.com", "vpn.example.com (2)"]);
  });

  it("tells apart names that differ in nothing that UTF-8 can hold", () => {
    expect(unique(["\uD800", "\uDFFF", "\uFFFD"])).toEqual(["\uFFFD", "\uFFFD (2)", "\uFFFD (3)"]);
  });

  it("makes every list unique and changes no first of a name", () => {
    const name = fc.constantFrom("a", "a (2)", "a (3)", "a (2) (2)", "b", "R");
    fc.assert(
      fc.property(fc.array(name, { maxLength: 12 }), (names) => {
        const made = unique(names, ["R"]);
        expect(new Set(made).size).toBe(names.length);
        expect(made).not.toContain("R");
        for (const [index, one] of names.entries()) {
          if (one !== "R" && names.indexOf(one) === index) expect(made[index]).toBe(one);
        }
      }),
    );
  });
});
