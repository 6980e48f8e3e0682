import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownDatabase } from "@veil/test-support";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type BackedUpSystem, runCommand } from "./run-command.ts";
import { secretDirectory } from "./secret-files.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "veil-restored-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test("a restore says which secrets have no effect until a setting names them", async () => {
  const archive = join(directory, "one.tar");
  const kept = { "api-secret-key": "of-bots", "api-readonly-key": "of-a-panel", "admin-password": "of-the-queues" };
  const uri = ownDatabase(inject("mongodbUri"));
  const before: BackedUpSystem = {
    uri,
    secrets: { name: "before", bySetting: [], read: async () => kept, write: async () => {} },
  };
  expect(await runCommand({ action: "backup", to: archive, keep: null }, before, () => {})).toBe(0);

  const said: string[] = [];
  const after = { uri, secrets: secretDirectory(directory) };
  const code = await runCommand({ action: "restore", from: archive, replace: false }, after, (line) => said.push(line));
  expect(code).toBe(0);
  expect(said.at(-2)).toBe(`Put api-secret-key into ${directory}.`);
  expect(said.at(-1)).toContain("To have api-readonly-key, admin-password again set API_READONLY_KEY, ADMIN_PASSWORD");
  expect(await readFile(join(directory, "api-readonly-key"), "utf8")).toBe("of-a-panel\n");
});
