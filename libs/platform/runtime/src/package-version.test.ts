import { describe, expect, it } from "vitest";
import { readPackageVersion } from "./prepare-service.ts";

describe("readPackageVersion", () => {
  it("reads the package that the module belongs to", () => {
    expect(readPackageVersion(import.meta.url)).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("throws when there is no package.json beside the module's folder", () => {
    expect(() => readPackageVersion("file:///nowhere/src/main.js")).toThrow("ENOENT");
  });
});
