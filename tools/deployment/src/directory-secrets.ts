import { chmod, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { PUBLIC_MODE, readFileIfThere, writePrivateFile, writePublicFile } from "@veil/runtime";
import type { Files } from "./handout.ts";
import { type ChangedSecrets, type SecretName, type SecretStore, secretNames } from "./secrets.ts";

/** Keeps every secret that is made in a file of its name, readable by its owner alone. Others stay where they are set. */
export class DirectorySecretStore implements SecretStore {
  readonly place: string;

  /** @param directory made when it is missing. */
  constructor(directory: string) {
    this.place = directory;
  }

  async read(): Promise<Partial<Record<SecretName, string>>> {
    const found: Partial<Record<SecretName, string>> = {};
    for (const name of secretNames) {
      const content = (await readFileIfThere(join(this.place, name)))?.trim();
      if (content !== undefined && content !== "") found[name] = content;
    }
    return found;
  }

  async write(secrets: ChangedSecrets): Promise<void> {
    await mkdir(this.place, { recursive: true });
    for (const [name, value] of Object.entries(secrets)) await writePrivateFile(join(this.place, name), `${value}\n`);
  }
}

/**
 * Hands files out into a directory that nobody but their consumer is given. Each image has a user of its own, so the
 * files themselves are readable by all.
 */
export async function handOutFiles(directory: string, files: Files): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    if ((await readFileIfThere(path))?.trim() !== content.trim()) await writePublicFile(path, content);
    // Versions before gave a file its mode after its name, and one that was killed in between left it to its owner alone.
    else if (((await stat(path)).mode & 0o777) !== PUBLIC_MODE) await chmod(path, PUBLIC_MODE);
  }
}
