import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { archiveInput, NoArchiveError, writeBackupTo } from "./archive-files.ts";
import { ArchiveDamagedError } from "./archive-entries.ts";
import { parseCommand } from "./parse-command.ts";
import { readArchive } from "./read-archive.ts";
import { secretDirectory } from "./secret-files.ts";
import { writeArchive } from "./write-archive.ts";

/** `{}` in BSON. */
const EMPTY_DOCUMENT = Buffer.from([5, 0, 0, 0, 0]);
const head = { at: "2026-01-31T02:00:00.000Z" };
const secrets = { "api-secret-key": "a-key-of-bots", "reality-private-key": "a-key-of-links" };

async function* parts() {
  yield { collection: "keys", count: 2, bson: Buffer.concat([EMPTY_DOCUMENT, EMPTY_DOCUMENT]) };
  yield { collection: "keys", count: 1, bson: EMPTY_DOCUMENT };
  yield { collection: "events", count: 1, bson: EMPTY_DOCUMENT };
}

async function written(): Promise<Buffer> {
  const output = new PassThrough();
  const [content] = await Promise.all([
    buffer(output),
    writeArchive({ head, secrets, parts: parts() }, output).then(() => output.end()),
  ]);
  return content;
}

async function read(content: Uint8Array) {
  const found: string[] = [];
  const report = await readArchive(Readable.from([content]), async (collection, bson) => {
    found.push(`${collection} ${bson.length}`);
  });
  return { ...report, found };
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "veil-backup-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe("an archive", () => {
  it("gives back what it was made of", async () => {
    expect(await read(await written())).toEqual({
      head: { format: 1, ...head },
      secrets,
      documents: { keys: 3, events: 1 },
      found: ["keys 10", "keys 5", "events 5"],
    });
  });

  it("is found out wherever it was cut off", async () => {
    const content = await written();
    const zeros = 1_024;
    for (let length = 0; length < content.length - zeros; length += 256) {
      await expect(read(content.subarray(0, length))).rejects.toThrow(ArchiveDamagedError);
    }
  });

  it("is found out when a byte of the documents is another one", async () => {
    const content = await written();
    const at = content.indexOf("veil/keys/") + 512 + 12;
    content[at] = (content[at] ?? 0) ^ 0xff;
    await expect(read(content)).rejects.toThrow(ArchiveDamagedError);
  });

  it("is recognized among other files", async () => {
    await expect(read(Buffer.from("no archive at all".repeat(100)))).rejects.toThrow(ArchiveDamagedError);
  });
});

describe("a backup", () => {
  const write = async (output: NodeJS.WritableStream) => void output.write("content");
  const at = (day: number) => Date.UTC(2026, 0, day, 2);
  const clockAt = (day: number) => ({ now: () => at(day) });

  it("is its owner's alone, and leaves no half file when it fails", async () => {
    const to = join(directory, "one.tar");
    expect(await writeBackupTo({ to, keep: null, clock: clockAt(1) }, write)).toMatchObject({ place: to });
    expect((await stat(to)).mode & 0o777).toBe(0o600);
    const failing = () => Promise.reject(new Error("MongoDB is away"));
    await expect(
      writeBackupTo({ to: join(directory, "two.tar"), keep: null, clock: clockAt(1) }, failing),
    ).rejects.toThrow();
    expect(await readdir(directory)).toEqual(["one.tar"]);
  });

  it("takes the place of the oldest in a directory that keeps some", async () => {
    await writeFile(join(directory, "notes.txt"), "mine");
    for (const day of [1, 2, 3, 4]) await writeBackupTo({ to: directory, keep: 2, clock: clockAt(day) }, write);
    const kept = ["notes.txt", "one.tar", "veil-20260103T020000Z.tar", "veil-20260104T020000Z.tar"];
    expect((await readdir(directory)).toSorted()).toEqual(kept);
  });

  it("is not kept from coming to be by one that was killed, whose file goes once nobody can be writing it any more", async () => {
    const place = join(directory, "killed");
    await mkdir(place);
    const [left, others] = [`veil-20260102T020000Z.tar.${process.pid}.unfinished`, "mine.tar.1.unfinished"];
    const files = [left, `one.tar.${process.pid}.unfinished`, "veil-20260104T010000Z.tar.7.unfinished", others];
    for (const name of files) await writeFile(join(place, name), "half");
    const touched = async (name: string, now: number) => utimes(join(place, name), now / 1_000, now / 1_000);
    for (const name of files) await touched(name, at(2));
    await touched("veil-20260104T010000Z.tar.7.unfinished", at(4) - 60_000);
    await writeBackupTo({ to: join(place, "one.tar"), keep: null, clock: clockAt(4) }, write);
    await writeBackupTo({ to: place, keep: 7, clock: clockAt(4) }, write);
    const kept = [others, "one.tar", "veil-20260104T010000Z.tar.7.unfinished", "veil-20260104T020000Z.tar"];
    expect((await readdir(place)).toSorted()).toEqual(kept);
    await rm(place, { recursive: true });
  });

  it("stays whatever a clock that was ahead dated others, which go first and are not taken for the newest", async () => {
    const place = join(directory, "ahead");
    await mkdir(place);
    const [first, second] = ["veil-20310101T020000Z.tar", "veil-20310102T020000Z.tar"];
    for (const name of [first, second]) await writeFile(join(place, name), "content");
    await expect(archiveInput(place, at(4))).rejects.toThrow(`name one: ${first}, ${second}`);
    const kept: string[][] = [];
    for (const day of [3, 4, 5]) {
      const { place: made } = await writeBackupTo({ to: place, keep: 2, clock: clockAt(day) }, write);
      const { place: newest, ahead } = await archiveInput(place, at(day));
      expect(newest).toBe(made);
      expect(ahead).toEqual(day === 3 ? [second] : []);
      kept.push((await readdir(place)).toSorted());
    }
    expect(kept).toEqual([
      ["veil-20260103T020000Z.tar", second],
      ["veil-20260103T020000Z.tar", "veil-20260104T020000Z.tar"],
      ["veil-20260104T020000Z.tar", "veil-20260105T020000Z.tar"],
    ]);
    // Two clocks are never quite the same: the newest one may be dated minutes ahead of the machine that reads it.
    const { place: newest } = await archiveInput(place, at(5) - 120_000);
    expect(newest).toBe(join(place, "veil-20260105T020000Z.tar"));
    await rm(place, { recursive: true });
  });

  it("is not the one to go when another that began later was faster", async () => {
    const place = join(directory, "slow");
    await mkdir(place);
    let now = at(3);
    await writeBackupTo({ to: place, keep: 1, clock: { now: () => now } }, async (output) => {
      now = at(4);
      await writeBackupTo({ to: place, keep: 1, clock: clockAt(4) }, write);
      output.write("content");
    });
    expect((await readdir(place)).toSorted()).toEqual(["veil-20260103T020000Z.tar", "veil-20260104T020000Z.tar"]);
    await rm(place, { recursive: true });
  });

  it("is read twice from a file, once from the standard input, and in a directory as the newest one", async () => {
    const one = join(directory, "one.tar");
    expect(await archiveInput(one, at(4))).toMatchObject({ place: one, isRepeatable: true });
    await expect(archiveInput(join(directory, "none.tar"), at(4))).rejects.toThrow(NoArchiveError);
    expect(await archiveInput("-", at(4))).toMatchObject({ isRepeatable: false });
    expect(await archiveInput(directory, at(4))).toMatchObject({ place: join(directory, "veil-20260104T020000Z.tar") });
    await expect(archiveInput(import.meta.dirname, at(4))).rejects.toThrow(NoArchiveError);
  });
});

test("a directory of secrets gives those that are there, and keeps what is not given", async () => {
  const place = secretDirectory(directory);
  await place.write({ "api-secret-key": "one", "webhook-secret-key": "two" });
  await place.write({ "api-secret-key": "three" });
  expect(await place.read()).toEqual({ "api-secret-key": "three", "webhook-secret-key": "two" });
});

test.each([
  [["backup", "--to", "a.tar"], { action: "backup", to: "a.tar", keep: null }],
  [["backup", "--to", "dir/", "--keep", "7"], { action: "backup", to: "dir/", keep: 7 }],
  [["backup", "--to", ".", "--keep", "7"], { action: "backup", to: ".", keep: 7 }],
  [["restore", "a.tar"], { action: "restore", from: "a.tar", replace: false }],
  [["restore", "-", "--replace"], { action: "restore", from: "-", replace: true }],
  [["backup"], null],
  [["backup", "--to", "dir/", "--keep", "0"], null],
  [["backup", "--to", "a.tar", "--keep", "7"], null],
  [["backup", "--to", "-", "--keep", "7"], null],
  [["restore"], null],
  [["restore", "a.tar", "b.tar"], null],
  [["restore", "a.tar", "--force"], null],
  [[], null],
])("%j is %j", (args, command) => {
  expect(parseCommand(args)).toEqual(command);
});
