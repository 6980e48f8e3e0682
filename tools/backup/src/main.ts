import { engineVariables, errorMessage, exitOnSettingsError, readSettings } from "@veil/runtime";
import { z } from "zod";
import { parseCommand } from "./parse-command.ts";
import { runCommand } from "./run-command.ts";
import { secretDirectory } from "./secret-files.ts";

const usage = `usage: backup --to PATH|- [--keep COUNT]    writes MongoDB and the secrets into one archive
       restore FILE|- [--replace]           fills an empty MongoDB, and the secrets, from it

PATH is a file, or a directory: one that is there, or ends with "/". COUNT is how many a directory keeps; a file takes none.
MONGODB_URI says which database is meant, VEIL_SECRETS_DIR which directory has the secrets, one file for each.`;

const backupSettings = z.object({
  MONGODB_URI: engineVariables.MONGODB_URI,
  VEIL_SECRETS_DIR: z.string().optional().meta({ example: "/etc/veil/secrets" }),
});

const command = parseCommand(process.argv.slice(2));
if (command === null) {
  say(usage);
  process.exitCode = 64;
} else {
  const settings = exitOnSettingsError(() => readSettings(backupSettings, { program: "backup" }));
  const { MONGODB_URI: uri, VEIL_SECRETS_DIR: directory } = settings;
  try {
    const secrets = directory === undefined ? null : secretDirectory(directory);
    process.exitCode = await runCommand(command, { uri, secrets }, say);
  } catch (error) {
    say(errorMessage(error));
    process.exitCode = 1;
  }
}

/** Never to the standard output, which may be the archive. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
