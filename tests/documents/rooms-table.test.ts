import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

const manifest = z.object({ dependencies: z.record(z.string(), z.string()).default({}) });
const scope = "@veil/";

test("ARCHITECTURE's table names every room, and exactly the rooms that it imports", async () => {
  const architecture = await readFile(join(repoRoot, "ARCHITECTURE.md"), "utf8");
  const table = /\| room \|.*?\n\n/s.exec(architecture)?.[0] ?? "";
  const told = table.matchAll(/^\| `([^`]+)` \| .+ \| ([^|]+) \|$/gm);
  const documented = new Map([...told].map(([, room = "", imports = ""]) => [room, backticked(imports)]));
  expect(documented).toEqual(await roomsThereAre());
});

test("ARCHITECTURE lists every decision", async () => {
  const architecture = await readFile(join(repoRoot, "ARCHITECTURE.md"), "utf8");
  const files = trackedFiles("docs/decisions/*.md");
  expect(files.filter((file) => !architecture.includes(`(${file})`))).toEqual([]);
});

async function roomsThereAre(): Promise<Map<string, string[]>> {
  const rooms = new Map<string, string[]>();
  for (const file of trackedFiles("*/*/package.json")) {
    const { dependencies } = manifest.parse(JSON.parse(await readFile(join(repoRoot, file), "utf8")));
    const imports = Object.keys(dependencies).filter((name) => name.startsWith(scope));
    rooms.set(dirname(file), imports.map((name) => name.slice(scope.length)).toSorted());
  }
  return rooms;
}

function backticked(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name).toSorted();
}
