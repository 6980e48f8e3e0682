import { join } from "node:path";
import { readFileIfThere, writePrivateFile } from "@veil/runtime";
import { z } from "zod";
import type { SecretPlace } from "./run-command.ts";

/**
 * Secrets that a system needs to be the same one elsewhere, and the port that its links carry where no setting has it. Passwords
 * of engines are not among them: a new system has its own.
 */
export const SECRET_NAMES = [
  "api-secret-key",
  "api-readonly-key",
  "admin-password",
  "reality-private-key",
  "reality-port",
  "webhook-secret-key",
] as const;
export type SecretName = (typeof SECRET_NAMES)[number];
export const secretName = z.enum(SECRET_NAMES);

/** Those that a system may go without: where files hold secrets, a service reads them if a setting names the file. */
export const OPTIONAL_SECRET_NAMES = ["api-readonly-key", "admin-password"] as const satisfies SecretName[];

/** Those that there are, none of them empty. */
export type BackedUpSecrets = Readonly<Partial<Record<SecretName, string>>>;

/** A directory with one file for each secret, as containers and systemd have it. */
export function secretDirectory(directory: string): SecretPlace {
  return {
    name: directory,
    bySetting: OPTIONAL_SECRET_NAMES,
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
