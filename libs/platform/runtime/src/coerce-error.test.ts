import { describe, expect, it } from "vitest";
import { coerceError, errorMessage } from "./coerce-error.ts";

describe("coerceError", () => {
  it("gives an error back as it is", () => {
    const error = new TypeError("wrong");
    expect(coerceError(error)).toBe(error);
  });

  it("makes a thrown string the message and keeps it as the cause", () => {
    const error = coerceError("broken pipe");
    expect(error.message).toBe("broken pipe");
    expect(error.cause).toBe("broken pipe");
  });

  it.each([
    ["an object", { code: 7 }, '{"code":7}'],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a function", () => 1, "() => 1"],
  ])("describes %s", (_, thrown, description) => {
    expect(coerceError(thrown).message).toContain(description);
  });

  it("names the type when the thrown thing has no JSON", () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect(coerceError(circular).message).toContain("object");
    expect(coerceError(10n).message).toContain("bigint");
  });
});

describe("errorMessage", () => {
  it("falls back on the name when the message is empty", () => {
    expect(errorMessage(new RangeError(""))).toBe("RangeError");
    expect(errorMessage("text")).toBe("text");
  });
});
