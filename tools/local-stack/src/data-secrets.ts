import { type BackedUpSecrets, OPTIONAL_SECRET_NAMES, type SecretPlace } from "@veil/backup";
import { freePort } from "@veil/engines";
import { readFileIfThere, writePrivateFile } from "@veil/runtime";
import { ensureApiKey } from "./api-key.ts";
import type { DataDirectory } from "./data-directory.ts";
import { readRealityFile } from "./reality-identity.ts";

/** The secrets that `npm start` keeps in its data directory. Reading them throws a StackStartError that names a damaged file. */
export function dataSecrets({ root, apiKeyFile, webhookKeyFile, realityFile }: DataDirectory): SecretPlace {
  return {
    name: root,
    bySetting: OPTIONAL_SECRET_NAMES,
    read: async () => {
      const [apiKey, webhookKey] = await Promise.all([apiKeyFile, webhookKeyFile].map(contentOf));
      const reality = await readRealityFile(realityFile);
      return {
        ...(apiKey !== undefined && { "api-secret-key": apiKey }),
        ...(webhookKey !== undefined && { "webhook-secret-key": webhookKey }),
        ...(reality !== undefined && {
          "reality-private-key": reality.privateKey,
          "reality-port": String(reality.port),
        }),
      };
    },
    write: async (secrets: BackedUpSecrets) => {
      const { "api-secret-key": keys, "webhook-secret-key": webhookKey, "reality-private-key": privateKey } = secrets;
      // A deployment may have several, with names; `npm start` keeps one.
      if (keys !== undefined) await ensureApiKey(apiKeyFile, keys);
      if (webhookKey !== undefined) await writePrivateFile(webhookKeyFile, `${webhookKey}\n`);
      if (privateKey === undefined) return;
      const port = Number(secrets["reality-port"] ?? (await freePort()));
      await writePrivateFile(realityFile, `${JSON.stringify({ privateKey, port }, null, 2)}\n`);
    },
  };
}

/** Without the space around it; undefined for a file that is not there or empty. */
async function contentOf(file: string): Promise<string | undefined> {
  const text = ((await readFileIfThere(file)) ?? "").trim();
  return text === "" ? undefined : text;
}
