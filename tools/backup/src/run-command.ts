import { systemClock } from "@veil/runtime";
import { ArchiveDamagedError, type Head } from "./archive-entries.ts";
import { archiveInput, NoArchiveError, writeBackupTo } from "./archive-files.ts";
import { backUp, DatabaseNotEmptyError, restore } from "./back-up.ts";
import type { Command } from "./parse-command.ts";
import type { BackedUpSecrets, SecretName } from "./secret-files.ts";

/** Where the secrets of a system are kept. */
export interface SecretPlace {
  /** For people. */
  readonly name: string;
  /** The secrets that have no effect by standing there: a setting has to name them. */
  readonly bySetting: readonly SecretName[];
  read(): Promise<BackedUpSecrets>;
  /** Puts those that are given in place of what is there, and leaves the others. */
  write(secrets: BackedUpSecrets): Promise<void>;
}

export interface BackedUpSystem {
  readonly uri: string;
  /** Null where secrets are kept elsewhere. */
  readonly secrets: SecretPlace | null;
}

/**
 * Does what a command line asks for, and says so.
 *
 * @returns the exit code: 1 when what was asked for was refused
 */
export async function runCommand(
  command: Command,
  { uri, secrets }: BackedUpSystem,
  say: (line: string) => void,
): Promise<number> {
  try {
    if (command.action === "backup") {
      const kept = (await secrets?.read()) ?? {};
      const { place, result } = await writeBackupTo({ ...command, clock: systemClock }, (output, now) =>
        backUp({ uri, secrets: kept, now }, output),
      );
      say(`Backed up ${totalOf(result.documents)} documents and ${namesOf(kept)} to ${place}.`);
      say("Whoever has it has all keys and these secrets: keep it as you keep them.");
      return 0;
    }
    const { place, ahead, ...input } = await archiveInput(command.from, systemClock.now());
    if (ahead.length > 0) say(`Passed over, for this machine's clock says it is earlier: ${ahead.join(", ")}.`);
    const onFound = ({ at }: Head) => say(`Restoring the backup of ${at} from ${place}.`);
    const { head, secrets: found, documents } = await restore({ uri, ...input, replace: command.replace, onFound });
    await secrets?.write(found);
    say(`Restored ${totalOf(documents)} documents of ${head.at} from ${place}.`);
    if (secrets === null) say(`Left out, for nothing says where they belong: ${namesOf(found)}.`);
    else sayRestored(found, secrets, say);
    return 0;
  } catch (error) {
    const isRefusal = [ArchiveDamagedError, DatabaseNotEmptyError, NoArchiveError].some(
      (kind) => error instanceof kind,
    );
    if (!(error instanceof Error) || !isRefusal) throw error;
    say(error.message);
    return 1;
  }
}

function sayRestored(found: BackedUpSecrets, { name, bySetting }: SecretPlace, say: (line: string) => void): void {
  const [left, put] = [bySetting.filter((one) => found[one] !== undefined), { ...found }];
  for (const one of left) delete put[one];
  say(`Put ${namesOf(put)} into ${name}.`);
  if (left.length === 0) return;
  const settings = left.map((one) => one.toUpperCase().replaceAll("-", "_"));
  say(
    `To have ${left.join(", ")} again set ${settings.join(", ")}, as docs/deployment.md says under "Backup and restore".`,
  );
}

function totalOf(documents: Readonly<Record<string, number>>): number {
  return Object.values(documents).reduce((sum, count) => sum + count, 0);
}

function namesOf(secrets: BackedUpSecrets): string {
  return Object.keys(secrets).join(", ") || "no secrets";
}
