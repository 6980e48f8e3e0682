import { randomUUID } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ConfigChangedError } from "./errors.ts";

/** A file as it was read. */
export interface FileSnapshot {
  /** Without symbolic links. */
  readonly path: string;
  readonly text: string;
  readonly stats: BigIntStats;
}

/**
 * Puts a new text in the place of a file that is still as it was read. A reader finds the old text or the new one, also
 * after a crash. The new file has the old one's mode and owner before it has any content. The old text stays as
 * `<name>.bak`.
 *
 * A writer that was overtaken (paused, and its lease gone) does no harm: a later one takes away the temporary files that
 * it finds, so that the late rename fails, and before the rename the file must still be the one that was read.
 *
 * @param check Looks at the finished temporary file; what it throws stops the replacement.
 * @throws {ConfigChangedError} when the file changed meanwhile @throws what the file system or the check throws
 */
export async function replaceFile(
  old: FileSnapshot,
  text: string,
  check: (path: string) => Promise<void>,
): Promise<void> {
  const fresh = temporaryName(old.path);
  const backup = temporaryName(old.path);
  try {
    await writeLike(old, fresh, text);
    await check(fresh);
    await writeLike(old, backup, old.text);
    await rename(backup, `${old.path}.bak`);
    await removeLeftOvers(old.path, fresh);
    if (!(await isAsRead(old))) throw new ConfigChangedError();
    await putInPlace(fresh, old.path);
  } finally {
    await Promise.all([fresh, backup].map((path) => rm(path, { force: true })));
  }
  await syncFolder(dirname(old.path));
}

async function putInPlace(fresh: string, path: string): Promise<void> {
  try {
    await rename(fresh, path);
  } catch (error) {
    throw error instanceof Error && "code" in error && error.code === "ENOENT" ? new ConfigChangedError() : error;
  }
}

/** Takes away the temporary files of writers that died or were overtaken. They hold the file's secrets. */
export async function removeLeftOvers(path: string, except?: string): Promise<void> {
  const folder = dirname(path);
  const names = (await readdir(folder)).filter((name) => name.startsWith(temporaryPrefix(path)));
  const leftOver = names.map((name) => join(folder, name)).filter((found) => found !== except);
  await Promise.all(leftOver.map((found) => rm(found, { force: true })));
}

/** No ending that Xray reads from a folder of configs (`-confdir`). */
function temporaryPrefix(path: string): string {
  return `.${basename(path)}.veil-`;
}

function temporaryName(path: string): string {
  return join(dirname(path), `${temporaryPrefix(path)}${randomUUID()}`);
}

async function writeLike({ stats }: FileSnapshot, path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await keepOwner(file, stats);
    await file.chmod(Number(stats.mode) & 0o777);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function keepOwner(file: FileHandle, { uid, gid }: BigIntStats): Promise<void> {
  const own = await file.stat({ bigint: true });
  if (own.uid !== uid || own.gid !== gid) await file.chown(Number(uid), Number(gid));
}

async function isAsRead({ path, stats }: FileSnapshot): Promise<boolean> {
  const now = await stat(path, { bigint: true });
  return (
    now.ino === stats.ino && now.size === stats.size && now.mtimeNs === stats.mtimeNs && now.ctimeNs === stats.ctimeNs
  );
}

/** A rename lasts once its folder is on the disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
