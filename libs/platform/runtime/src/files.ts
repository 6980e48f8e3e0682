import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";

const PRIVATE_MODE = 0o600;
/** Of a file that anyone may read and nobody may write. */
export const PUBLIC_MODE = 0o444;

/** The text of a file; null when there is no such file. @throws when it is there and can't be read */
export async function readFileIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/**
 * Replaces a file as a whole: readers see the old content or the new one, also after a crash. Only the owner may read
 * it, from the first byte on.
 */
export function writePrivateFile(path: string, content: string): Promise<void> {
  return replaceFile(path, content, PRIVATE_MODE);
}

/** The same for a file of {@link PUBLIC_MODE}, which it has as soon as it has its name. */
export function writePublicFile(path: string, content: string): Promise<void> {
  return replaceFile(path, content, PUBLIC_MODE);
}

async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  const unfinished = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    const file = await open(unfinished, "wx", PRIVATE_MODE);
    try {
      await file.writeFile(content);
      if (mode !== PRIVATE_MODE) await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}
