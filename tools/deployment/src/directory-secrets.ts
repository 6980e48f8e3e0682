import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writePrivateFile } from "@veil/runtime";
import type { Files } from "./handout.ts";
import { type SecretName, type Secrets, type SecretStore, secretNames } from "./secrets.ts";

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
      const content = await readIfThere(join(this.place, name));
      if (content !== undefined && content !== "") found[name] = content;
    }
    return found;
  }

  async write(secrets: Secrets): Promise<void> {
    await mkdir(this.place, { recursive: true });
    const kept = await this.read();
    for (const name of secretNames) {
      if (kept[name] !== secrets[name]) await writePrivateFile(join(this.place, name), `${secrets[name]}\n`);
    }
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
    if ((await readIfThere(path)) === content.trim()) continue;
    await writePrivateFile(path, content);
    await chmod(path, 0o444);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
