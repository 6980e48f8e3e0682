import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readFileIfThere } from "./files.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "veil-read-"));
});
afterAll(() => rm(dir, { recursive: true }));

it("is the text, null where there is no file, and an error where it can't be read", async () => {
  const file = join(dir, "file");
  expect(await readFileIfThere(file)).toBeNull();
  await writeFile(file, " text\n");
  expect(await readFileIfThere(file)).toBe(" text\n");
  await expect(readFileIfThere(dir)).rejects.toThrow("EISDIR");
});
