import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EngineCache } from "./find-engine.ts";

let directory: string;
let cache: EngineCache;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "veil-cache-"));
  cache = new EngineCache(join(directory, "engines"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("the cache of engines", () => {
  test("gives back what was added, as an executable", async () => {
    expect(await cache.find("xray-1")).toBeUndefined();
    const path = await cache.add("xray-1", (target) => writeFile(target, "binary"));
    expect(await cache.find("xray-1")).toBe(path);
    expect(await cache.find("xray-2")).toBeUndefined();
  });

  test("holds a whole file at every moment while several processes fill it", async () => {
    const adding = Array.from({ length: 5 }, (_, index) =>
      cache.add("xray-1", async (target) => {
        await writeFile(target, "half of ");
        await writeFile(target, `binary ${index}`, { flag: "a" });
      }),
    );
    const paths = await Promise.all(adding);
    expect(new Set(paths).size).toBe(1);
    expect(await readFile(cache.pathOf("xray-1"), "utf8")).toMatch(/^half of binary \d$/);
    expect(await readdir(cache.directory)).toEqual(["xray-1"]);
  });

  test("keeps nothing of a build that failed", async () => {
    const adding = cache.add("xray-1", async (target) => {
      await writeFile(target, "half");
      throw new Error("go build failed");
    });
    await expect(adding).rejects.toThrow("go build failed");
    expect(await readdir(cache.directory)).toEqual([]);
  });
});
