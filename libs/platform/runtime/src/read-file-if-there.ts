import { readFile } from "node:fs/promises";

/** The text of a file; null when there is no such file. @throws when it is there and can't be read */
export async function readFileIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
