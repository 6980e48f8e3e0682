import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startProcess } from "./managed-process.ts";
import { RotatedLog } from "./rotated-log.ts";

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "veil-log-"));
  file = join(directory, "program.log");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const MAX_BYTES = 20_000;
const bounds = { maxBytes: MAX_BYTES, lookEveryMs: 10 };
const BYTES_PER_MS = 100;
/** Writes 100 kB in a second at the fastest, 1 kB a line. */
const TALKATIVE = `
  let line = 0;
  const talking = setInterval(() => {
    console.log(String(line).padStart(1_000, "0"));
    line += 1;
    if (line === 100) clearInterval(talking);
  }, 10);`;

test.each([
  ["that it writes itself", undefined],
  ["that comes through this process", () => {}],
] as const)("the log of a running process stays small, output %s", async (_, onLine) => {
  const command = { binary: process.execPath, args: ["-e", TALKATIVE], logFile: file, log: bounds };
  const child = await startProcess({ ...command, ...(onLine !== undefined && { onLine }) });
  const sizes: number[] = [];
  let [lookedAt, longestGapMs] = [performance.now(), 0];
  const measuring = setInterval(() => {
    longestGapMs = Math.max(longestGapMs, performance.now() - lookedAt);
    lookedAt = performance.now();
    void stat(file).then(({ size }) => sizes.push(size));
  }, 10);
  expect(await child.exited).toEqual({ code: 0, signal: null });
  clearInterval(measuring);
  // Lines written between two looks are above the bound: some, and more of them on a busy machine, where no look comes for a while.
  expect(Math.max(...sizes)).toBeLessThan(1.5 * MAX_BYTES + 2 * longestGapMs * BYTES_PER_MS);
  expect(Math.max(...sizes)).toBeGreaterThan(MAX_BYTES / 2);
  const former = await stat(`${file}.1`);
  expect(former.size).toBeLessThanOrEqual(2 * MAX_BYTES);
  expect(former.mode & 0o777).toBe(0o600);
});

test("a log that is too long at a start is put aside, its end only", async () => {
  await writeFile(file, `${"x".repeat(50_000)}\nthe end\n`);
  const log = await RotatedLog.open(file, { maxBytes: MAX_BYTES });
  log.append("a new start");
  await log.close();
  expect(await readFile(file, "utf8")).toBe("a new start\n");
  const before = await readFile(`${file}.1`, "utf8");
  expect(before).toHaveLength(MAX_BYTES);
  expect(before).toMatch(/the end\n$/);
});

test("a log that is short enough is left alone", async () => {
  await writeFile(file, "before\n");
  const log = await RotatedLog.open(file, { maxBytes: MAX_BYTES });
  log.append("a new start");
  await log.close();
  expect(await readFile(file, "utf8")).toBe("before\na new start\n");
});

test("it is emptied also where its copy finds no room", async () => {
  await writeFile(file, "x".repeat(50_000));
  const log = await RotatedLog.open(file, { maxBytes: 100_000, lookEveryMs: 10 });
  // A directory in its place: nothing can be written there.
  await mkdir(`${file}.1`);
  await appendFile(file, "x".repeat(60_000));
  await vi.waitFor(async () => expect((await stat(file)).size).toBe(0));
  await log.close();
});

test("quotes what was written since it was opened", async () => {
  await writeFile(file, "of a former process\n");
  const log = await RotatedLog.open(file);
  await appendFile(file, "one\ntwo\nthree\n");
  expect(await log.lastLines(2)).toEqual(["two", "three"]);
  expect(await log.lastLines(9)).toEqual(["one", "two", "three"]);
  await log.close();
});
