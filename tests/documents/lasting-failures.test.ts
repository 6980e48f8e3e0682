import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

/** Logs each failure of what is tried again and again, where `lastingFailure` or `limitRepeats` would say it once. */
const LOUD = /\bonError: (?:async )?\(?\w+\)? => (?:void )?(?:this\.)?#?(?:\w+\.)*log\b/;

const sources = ["libs", "services", "tools"]
  .flatMap((folder) => trackedFiles(folder))
  .filter((file) => /\/src\/.*\.ts$/.test(file) && !file.endsWith(".test.ts"));

it("what fails for a night is said once, and not at each attempt", () => {
  expect(sources.length).toBeGreaterThan(300);
  expect(sources.filter((file) => LOUD.test(readFileSync(repoRoot + file, "utf8")))).toEqual([]);
});
