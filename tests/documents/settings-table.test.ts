import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { apiSettings } from "../../services/api/src/settings.ts";
import { collectorSettings } from "../../services/stats-collector/src/settings.ts";
import { workerSettings } from "../../services/xray-worker/src/settings.ts";
import { stackSettings } from "../../tools/local-stack/src/settings.ts";
import { SETTING_NAMES } from "../../libs/platform/runtime/src/setting-names.ts";
import { repoRoot } from "./tracked-files.ts";

const schemas = [apiSettings, workerSettings, collectorSettings, stackSettings];
const known = new Set(schemas.flatMap((schema) => Object.keys(schema.shape)));

test("the README's table of settings names every variable that a service reads, and no other", async () => {
  const readme = await readFile(join(repoRoot, "README.md"), "utf8");
  const table = /\| variable \|.*?\n\n/s.exec(readme)?.[0] ?? "";
  const named = table.split("\n").flatMap((row) => row.split("|")[1]?.match(/(?<=`)[A-Z][A-Z0-9_]+(?=`)/g) ?? []);
  expect(named.toSorted()).toEqual([...known].toSorted());
});

test("a variable of one service is misspelled to no other", () => {
  expect([...SETTING_NAMES].toSorted()).toEqual([...known].toSorted());
});

test(".env.example names every variable that a service reads, and no other", async () => {
  const text = await readFile(join(repoRoot, ".env.example"), "utf8");
  const named = [...text.matchAll(/^# ([A-Z][A-Z0-9_]+)=/gm)].map((match) => match[1] ?? "");
  expect(named.toSorted()).toEqual([...known].toSorted());
});
