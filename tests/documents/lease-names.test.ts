import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

/** How code names a lease: for `runExclusively` and `waitExclusively`, or by its key. */
const NAMED = /subject: (?<task>["`][^"`]+["`]), leaseMs|leaseKey\([^,()]+, (?<key>["`][^"`]+["`])\)/g;

/** The names in the code, up to where that of a key or node follows. */
const named = async () => {
  const files = [
    ...trackedFiles("libs/**/src/*.ts"),
    ...trackedFiles("services/**/src/*.ts"),
    ...trackedFiles("tools/**/src/*.ts"),
  ];
  const code = files.filter((file) => !file.endsWith(".test.ts"));
  const texts = await Promise.all(code.map((file) => readFile(join(repoRoot, file), "utf8")));
  return texts.flatMap((text) =>
    [...text.matchAll(NAMED)].map(({ groups }) =>
      (groups?.["task"] ?? groups?.["key"] ?? "").replace(/\$\{.*/, "").slice(1),
    ),
  );
};

test("every lease is named in one place", async () => {
  const names = (await named()).map((name) => name.replace(/["`]$/, ""));
  expect(names).toEqual(expect.arrayContaining(["sweep", "import", "reporter", "reconcile:", "config-file:"]));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test("the layout of leases' keys in Redis stands in one place", async () => {
  const code = trackedFiles("*.ts").filter(
    (file) => /^(libs|services|tools)\//.test(file) && !file.endsWith(".test.ts"),
  );
  const texts = await Promise.all(
    code.map(async (file) => [file, await readFile(join(repoRoot, file), "utf8")] as const),
  );
  const written = texts.filter(([, text]) => text.includes("}:lease:")).map(([file]) => file);
  expect(written).toEqual(["libs/adapters/redis/src/redis-lease.ts"]);
});
