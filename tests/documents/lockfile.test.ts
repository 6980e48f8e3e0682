import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { repoRoot } from "./tracked-files.ts";

const lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      link: z.boolean().default(false),
      integrity: z.string().optional(),
      resolved: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

const { packages } = lockfile.parse(JSON.parse(await readFile(join(repoRoot, "package-lock.json"), "utf8")));
const fromRegistry = Object.entries(packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);

/**
 * npm adds nothing to a lockfile below a package that it holds already. Where it once left something out, take out that
 * entry and those above it, up to a package that one of the rooms asks for, and let `npm run lock` make them anew.
 */
describe("package-lock.json", () => {
  it("holds the checksum of every package", () => {
    expect(fromRegistry.filter(([, { integrity }]) => integrity?.startsWith("sha512-") !== true)).toEqual([]);
  });

  it("holds the packages of every platform, so that `npm ci` works on each", () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !isFound(name, path))
        .map((name) => `${name} of ${path}`),
    );
    expect(missing).toEqual([]);
  });

  it("names no server: whoever installs chooses the registry", () => {
    expect(fromRegistry.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });
});

/** Whether Node would find a package from there, in one of the folders above. */
function isFound(name: string, from: string): boolean {
  if (join(from, "node_modules", name) in packages) return true;
  return from !== "." && from !== "" && isFound(name, dirname(from));
}
