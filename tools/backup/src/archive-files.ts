import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Clock } from "@veil/runtime";

const PRIVATE_MODE = 0o600;
const IN_DIRECTORY = /^veil-\d{8}T\d{6}Z\.tar$/;
const UNFINISHED = /^(.+)\.[\da-f-]+\.unfinished$/;
/** A backup that goes on writes many times within it; one that was killed never does again. */
const LEFT_AFTER_MS = 60 * 60_000;
/** By how much the clock of the machine that wrote a backup may be ahead of the one that reads it. */
const CLOCKS_APART_MS = 60 * 60_000;

export interface BackupTarget {
  /** A file, a directory that is there or ends with `/`, or `-` for the standard output. */
  readonly to: string;
  /** How many backups a directory keeps; null for all. */
  readonly keep: number | null;
  readonly clock: Pick<Clock, "now">;
}

/**
 * Writes a backup where it is to go: readable by its owner alone, and under its name only when it is complete. In a directory
 * the oldest backups go afterwards, and those before them that are dated ahead. What a backup left that was killed goes before.
 *
 * @param write is given the time that the name says, in milliseconds since the epoch
 * @returns where it is
 */
export async function writeBackupTo<T>(
  { to, keep, clock }: BackupTarget,
  write: (output: Writable, now: number) => Promise<T>,
): Promise<{ readonly place: string; readonly result: T }> {
  const now = clock.now();
  if (to === "-") return { place: "the standard output", result: await write(process.stdout, now) };
  const isInDirectory = to.endsWith("/") || (await isDirectory(to));
  const path = isInDirectory ? join(to, nameAt(now)) : to;
  await dropLeft(path, isInDirectory ? (name) => IN_DIRECTORY.test(name) : (name) => name === basename(path), now);
  const result = await writeWhole(path, (output) => write(output, now));
  // One that began later may have been faster, so the time is asked for again.
  if (isInDirectory && keep !== null) await dropOldest(path, keep, clock.now());
  return { place: path, result };
}

async function writeWhole<T>(path: string, write: (output: Writable) => Promise<T>): Promise<T> {
  // In a container each run has the same process id.
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  const file = await open(unfinished, "wx", PRIVATE_MODE);
  try {
    const output = file.createWriteStream({ flush: true });
    const result = await write(output);
    output.end();
    await once(output, "close");
    await rename(unfinished, path);
    return result;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Removes the files of backups to this place that were killed. @param isOurs whether a backup to it has this name */
async function dropLeft(path: string, isOurs: (name: string) => boolean, now: number): Promise<void> {
  const directory = dirname(path);
  for (const name of await readdir(directory).catch(() => [])) {
    const [, backup] = UNFINISHED.exec(name) ?? [];
    if (backup === undefined || !isOurs(backup)) continue;
    const left = join(directory, name);
    const touchedAt = (await stat(left).catch(() => null))?.mtimeMs ?? now;
    if (now - touchedAt > LEFT_AFTER_MS) await rm(left, { force: true }).catch(() => undefined);
  }
}

/** @param written stays, whatever the others are dated */
async function dropOldest(written: string, keep: number, now: number): Promise<void> {
  const directory = dirname(written);
  const { ahead, backups } = await backupsIn(directory, now);
  for (const name of [...ahead, ...backups].slice(0, -keep)) {
    if (name !== basename(written)) await rm(join(directory, name));
  }
}

/** Thrown when there is no archive where one should be. */
export class NoArchiveError extends Error {
  override readonly name = "NoArchiveError";
}

export interface ArchiveInput {
  readonly place: string;
  readonly open: () => Readable;
  readonly isRepeatable: boolean;
  /** Backups of the directory that were passed over, because they are dated ahead of the time. */
  readonly ahead: readonly string[];
}

/**
 * An archive, from a file, as the newest one of a directory, or as `-` from the standard input. What a clock that was ahead
 * dated would be the newest for years, so a directory's archives count up to the present time.
 *
 * @param now milliseconds since the epoch
 * @throws {NoArchiveError}
 */
export async function archiveInput(from: string, now: number): Promise<ArchiveInput> {
  if (from === "-") return { place: "the standard input", open: () => process.stdin, isRepeatable: false, ahead: [] };
  if (!(await isDirectory(from))) return fileInput(from, []);
  const { ahead, backups } = await backupsIn(from, now);
  const newest = backups.at(-1);
  if (newest !== undefined) return fileInput(join(from, newest), ahead);
  if (ahead.length === 0) throw new NoArchiveError(`there is no backup at ${from}`);
  throw new NoArchiveError(
    `the backups at ${from} are dated ahead of this machine's clock, name one: ${ahead.join(", ")}`,
  );
}

async function fileInput(place: string, ahead: readonly string[]): Promise<ArchiveInput> {
  if ((await stat(place).catch(() => null))?.isFile() !== true)
    throw new NoArchiveError(`there is no backup at ${place}`);
  return { place, open: () => createReadStream(place), isRepeatable: true, ahead };
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

/** The oldest first; apart from them those that no backup made until now can be named after. */
async function backupsIn(
  directory: string,
  now: number,
): Promise<{ readonly ahead: readonly string[]; readonly backups: readonly string[] }> {
  const names = (await readdir(directory)).filter((name) => IN_DIRECTORY.test(name)).toSorted();
  const latest = nameAt(now + CLOCKS_APART_MS);
  return { ahead: names.filter((name) => name > latest), backups: names.filter((name) => name <= latest) };
}

function nameAt(now: number): string {
  return `veil-${new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, "")}.tar`;
}
