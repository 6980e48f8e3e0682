import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

const files = trackedFiles("*.ts").filter((file) => !file.includes("/generated/"));

/** Lines of the code that match, as `file:line: text`. */
async function linesLike(pattern: RegExp): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => readFile(join(repoRoot, file), "utf8")));
  return texts.flatMap((text, index) =>
    text.split("\n").flatMap((line, at) => (pattern.test(line) ? [`${files[index]}:${at + 1}: ${line}`] : [])),
  );
}

test("the numbers and texts of a module are named in SCREAMING_SNAKE_CASE", async () => {
  expect(await linesLike(/^(?:export )?const [a-z]\w*(?:: \w+)? = (?:-?[\d_.]+|"[^"]*")(?: as const)?;$/)).toEqual([]);
});

test("docstrings name errors in braces", async () => {
  expect(await linesLike(/@throws [A-Z]/)).toEqual([]);
});

test("errors name themselves by a readonly field", async () => {
  expect(await linesLike(/^\s*this\.name = (?:"|new\.target)/)).toEqual([]);
});

test("a module is imported once in a file", async () => {
  const twice: string[] = [];
  for (const file of files) {
    const text = await readFile(join(repoRoot, file), "utf8");
    const modules = [...text.matchAll(/^import (?:type )?\{[^}]*\} from "([^"]+)";$/gm)].map(([, name]) => name);
    twice.push(...modules.filter((name, index) => modules.indexOf(name) !== index).map((name) => `${file}: ${name}`));
  }
  expect(twice).toEqual([]);
});
