import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { repoRoot } from "./tracked-files.ts";

test("CONTRIBUTING has a line for every script, and for no other", async () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(join(repoRoot, "package.json"), "utf8")));
  const contributing = await readFile(join(repoRoot, "CONTRIBUTING.md"), "utf8");
  const table = /\| command \|.*?\n\n/s.exec(contributing)?.[0] ?? "";
  const named = [...table.matchAll(/`npm (?:run )?([a-z:]+)`/g)].map(([, name = ""]) => name);
  expect(named.toSorted()).toEqual(Object.keys(scripts).toSorted());
});
