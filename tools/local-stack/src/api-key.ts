import { randomBytes } from "node:crypto";
import { readFileIfThere, writePrivateFile } from "@veil/runtime";
import { secretOf } from "./settings.ts";

/**
 * Sees to it that `file` (mode 0600) holds a key that the API accepts: the first one of the setting, else the one that
 * is there, else a new one.
 */
export async function ensureApiKey(file: string, setting: string | undefined): Promise<string> {
  const existing = ((await readFileIfThere(file)) ?? "").trim();
  const key = setting === undefined ? existing || randomBytes(36).toString("base64url") : firstKey(setting);
  if (key !== existing) await writePrivateFile(file, `${key}\n`);
  return key;
}

function firstKey(setting: string): string {
  return secretOf(setting.split(",")[0] ?? "");
}
