import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
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

test("ARCHITECTURE's picture shows every room in its wing, and no other", async () => {
  const architecture = await readFile(join(repoRoot, "ARCHITECTURE.md"), "utf8");
  const picture = /```\n(services\/ .*?)```/s.exec(architecture)?.[1] ?? "";
  const rooms = await readRooms();
  const wings = [...new Set(rooms.map(({ folder }) => `${dirname(folder)}/`))];
  const names = rooms.map(({ folder }) => basename(folder));
  const shown = picture.replaceAll(/\([^)]*\)|pure: .*/g, "").match(/[a-z][a-z/-]*/g) ?? [];
  expect(shown.toSorted()).toEqual([...wings, ...names].toSorted());
});

test("ARCHITECTURE lists every decision", async () => {
  const architecture = await readFile(join(repoRoot, "ARCHITECTURE.md"), "utf8");
  const files = trackedFiles("docs/decisions/*.md");
  expect(files.filter((file) => !architecture.includes(`(${file})`))).toEqual([]);
});

function backticked(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name).toSorted();
}
