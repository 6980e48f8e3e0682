import { readFile, stat } from "node:fs/promises";
import { LegacyDatabaseError } from "./import-errors.ts";
import type { LegacyKey } from "./legacy-key.ts";
import { readLegacyDatabase } from "./read-legacy-database.ts";

/**
 * Reads the first implementation's database. It is not changed.
 *
 * @throws {LegacyDatabaseError}
 */
export async function readLegacyFile(path: string): Promise<LegacyKey[]> {
  const file = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new LegacyDatabaseError(`${path} can't be read (${error.code ?? error.message})`);
  });
  if (await hasOpenLog(path)) {
    throw new LegacyDatabaseError(
      `newer changes stand in ${path}-wal: stop the first implementation, then merge them with ` +
        `python3 -c "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)')" ${path}`,
    );
  }
  return readLegacyDatabase(file);
}

/** An empty log holds nothing that the file lacks. */
async function hasOpenLog(path: string): Promise<boolean> {
  const log = await stat(`${path}-wal`).catch(() => null);
  return log !== null && log.size > 0;
}
