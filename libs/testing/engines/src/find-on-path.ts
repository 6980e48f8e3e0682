import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** The first executable file with one of `names` (in this order of preference) in the directories of `searchPath`. */
export async function findOnPath(names: readonly string[], searchPath: string): Promise<string | undefined> {
  const directories = searchPath.split(delimiter).filter((directory) => directory !== "");
  for (const name of names) {
    for (const directory of directories) {
      const candidate = join(directory, name);
      if (await isExecutable(candidate)) return candidate;
    }
  }
  return undefined;
}

/** Whether a file is there that this process may run. */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
