import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "dotenv";

/** The environment of this process over the `.env` in the project's root. */
export async function readEnvironment(projectRoot: string): Promise<NodeJS.ProcessEnv> {
  const text = await readFile(join(projectRoot, ".env"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return "";
  });
  return { ...parse(text), ...process.env };
}
