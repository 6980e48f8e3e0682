import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";

const PRIVATE_MODE = 0o600;
const IN_DIRECTORY = /^veil-\d{8}T\d{6}Z\.tar$/;
const UNFINISHED = /^(.+)\.[\da-f-]+\.unfinished$/;
/** A backup that goes on writes many times within it; one that was killed never does again. */
const LEFT_AFTER_MS = 60 * 60_000;

export interface BackupTarget {
  /** A file, a directory that is there or ends with `/`, or `-` for the standard output. */
  readonly to: string;
  /** How many backups a directory keeps; null for all. */
  readonly keep: number | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Writes a backup where it is to go: readable by its owner alone, and under its name only when it is complete. In a directory
 * the oldest backups go afterwards. What a backup left that was killed goes before.
 *
 * @returns where it is
 */
export async function writeBackupTo<T>(
  { to, keep, now }: BackupTarget,
  write: (output: Writable) => Promise<T>,
): Promise<{ readonly place: string; readonly result: T }> {
  if (to === "-") return { place: "the standard output", result: await write(process.stdout) };
  const isInDirectory = to.endsWith("/") || (await isDirectory(to));
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const path = isInDirectory ? join(to, `veil-${stamp}.tar`) : to;
  await dropLeft(path, isInDirectory ? (name) => IN_DIRECTORY.test(name) : (name) => name === basename(path), now);
  const result = await writeWhole(path, write);
  if (isInDirectory && keep !== null) await dropOldest(to, keep);
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

async function dropOldest(directory: string, keep: number): Promise<void> {
  const backups = await backupsIn(directory);
  for (const name of backups.slice(0, Math.max(0, backups.length - keep))) await rm(join(directory, name));
}

/** Thrown when there is no archive where one should be. */
export class NoArchiveError extends Error {
  override readonly name = "NoArchiveError";
}

/**
 * An archive, from a file, as the newest one of a directory, or as `-` from the standard input.
 *
 * @throws {NoArchiveError}
 */
export async function archiveInput(
  from: string,
): Promise<{ readonly place: string; readonly open: () => Readable; readonly isRepeatable: boolean }> {
  if (from === "-") return { place: "the standard input", open: () => process.stdin, isRepeatable: false };
  const place = (await isDirectory(from)) ? join(from, (await backupsIn(from)).at(-1) ?? "") : from;
  if ((await stat(place).catch(() => null))?.isFile() !== true)
    throw new NoArchiveError(`there is no backup at ${from}`);
  return { place, open: () => createReadStream(place), isRepeatable: true };
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

/** The oldest first. */
async function backupsIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => IN_DIRECTORY.test(name)).toSorted();
}
