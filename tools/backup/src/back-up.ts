import type { Readable, Writable } from "node:stream";
import { BackupDatabase } from "@veil/mongo";
import type { Head } from "./archive-entries.ts";
import { type ArchiveReport, readArchive } from "./read-archive.ts";
import type { BackedUpSecrets } from "./secret-files.ts";
import { writeArchive } from "./write-archive.ts";

/** Thrown when a database that is to be filled holds something. */
export class DatabaseNotEmptyError extends Error {
  override readonly name = "DatabaseNotEmptyError";

  constructor(collections: readonly string[]) {
    super(
      `the database is not empty (${collections.join(", ")}): nothing was restored. With --replace all of it is deleted first`,
    );
  }
}

export interface BackupSummary {
  /** Documents by collection. */
  readonly documents: Readonly<Record<string, number>>;
}

export interface BackupOptions {
  readonly uri: string;
  readonly secrets: BackedUpSecrets;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Writes a system down while it works. */
export async function backUp({ uri, secrets, now }: BackupOptions, output: Writable): Promise<BackupSummary> {
  const database = await BackupDatabase.open(uri);
  try {
    const head = { at: new Date(now).toISOString() };
    return { documents: await writeArchive({ head, secrets, parts: database.documents() }, output) };
  } finally {
    await database.close();
  }
}

export interface RestoreOptions {
  readonly uri: string;
  /** Opens the archive from its beginning: twice where that is possible, so that a damaged one changes nothing. */
  readonly open: () => Readable;
  readonly isRepeatable: boolean;
  /** Whether what the database holds is to go. */
  readonly replace: boolean;
  /** Given what will be restored before anything is cleared; of an archive that opens once, nothing is known by then. */
  readonly onFound: (head: Head) => void;
}

/**
 * Fills an empty database while no service runs. A restore that fails leaves it empty.
 *
 * @throws {DatabaseNotEmptyError}
 * @throws {ArchiveDamagedError}
 */
export async function restore(options: RestoreOptions): Promise<ArchiveReport> {
  const { uri, open, isRepeatable, replace, onFound } = options;
  const database = await BackupDatabase.open(uri);
  try {
    const filled = await database.filled();
    if (filled.length > 0 && !replace) throw new DatabaseNotEmptyError(filled);
    if (isRepeatable) onFound((await readArchive(open(), async () => {})).head);
    await database.clear();
    try {
      const report = await readArchive(open(), (collection, bson) => database.insert({ collection, bson }));
      await database.leaveOutIds();
      return report;
    } catch (error) {
      await database.clear();
      throw error;
    }
  } finally {
    await database.close();
  }
}
