import { join } from "node:path";
import { readFileIfThere, writePrivateFile } from "@veil/runtime";
import type { SecretPlace } from "./run-command.ts";
import { type BackedUpSecrets, SECRET_NAMES, type SecretName } from "./secret-names.ts";

/** A directory with one file for each secret, as containers and systemd have it. */
export function secretDirectory(directory: string): SecretPlace {
  return {
    name: directory,
    read: async () => {
      const found: Partial<Record<SecretName, string>> = {};
      for (const name of SECRET_NAMES) {
        const content = ((await readFileIfThere(join(directory, name))) ?? "").trim();
        if (content !== "") found[name] = content;
      }
      return found;
    },
    write: async (secrets: BackedUpSecrets) => {
      for (const [name, value] of Object.entries(secrets)) await writePrivateFile(join(directory, name), `${value}\n`);
    },
  };
}
