import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readRooms } from "./read-rooms.ts";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

test("ARCHITECTURE's table names every room, and exactly the rooms that it imports", async () => {
  const architecture = await readFile(join(repoRoot, "ARCHITECTURE.md"), "utf8");
  const table = /\| room \|.*?\n\n/s.exec(architecture)?.[0] ?? "";
  const printed = table.matchAll(/^\| `([^`]+)` \| .+ \| ([^|]+) \|$/gm);
  const documented = new Map([...printed].map(([, room = "", imports = ""]) => [room, backticked(imports)]));
  expect(documented).toEqual(new Map((await readRooms()).map(({ folder, rooms }) => [folder, rooms])));
});

test("ARCHITECTURE lists every decision", async () => {
  const architecture = await readFile(join(repoRoot, "ARCHITECTURE.md"), "utf8");
  const files = trackedFiles("docs/decisions/*.md");
  expect(files.filter((file) => !architecture.includes(`(${file})`))).toEqual([]);
});

function backticked(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name).toSorted();
}
