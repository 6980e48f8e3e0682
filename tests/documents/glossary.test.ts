import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repoRoot } from "./tracked-files.ts";

test("no word has two rows in the glossary, also not one of its plural", async () => {
  const text = await readFile(join(repoRoot, "docs/glossary.md"), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| **"));
  const words = rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/\*\*([^*]+)\*\*/g)].map(([, word = ""]) => word),
  );
  const singular = words.map((word) => word.replace(/(?<=[^s])s$/, ""));
  expect(words.length).toBeGreaterThan(60);
  expect(singular.filter((word, index) => singular.indexOf(word) !== index)).toEqual([]);
});
