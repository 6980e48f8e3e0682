import { describe, expect, it } from "vitest";
import { exitOnSettingsError, SettingsError } from "./settings-error.ts";

class Exited extends Error {}

function recordingIo() {
  const calls: (string | number)[] = [];
  return {
    calls,
    write: (text: string) => void calls.push(text),
    exit: (code: number): never => {
      calls.push(code);
      throw new Exited();
    },
  };
}

describe("exitOnSettingsError", () => {
  it("gives the settings back when they are right", () => {
    const io = recordingIo();
    expect(exitOnSettingsError(() => 42, io)).toBe(42);
    expect(io.calls).toEqual([]);
  });

  it("prints what is wrong and exits 78", () => {
    const io = recordingIo();
    const read = () => {
      throw new SettingsError("api", [{ name: "DOMAIN", problem: "is not set" }]);
    };
    expect(() => exitOnSettingsError(read, io)).toThrow(Exited);
    expect(io.calls).toEqual(["api: a setting is wrong:\n  DOMAIN is not set\n", 78]);
  });

  it("throws any other error on", () => {
    const io = recordingIo();
    const read = () => {
      throw new TypeError("a mistake of ours");
    };
    expect(() => exitOnSettingsError(read, io)).toThrow(TypeError);
    expect(io.calls).toEqual([]);
  });
});
