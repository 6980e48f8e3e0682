import { readFile, stat } from "node:fs/promises";
import initSqlJs, { type Database, type QueryExecResult, type SqlValue } from "sql.js";
import { z } from "zod";
import { LegacyDatabaseError } from "./import-errors.ts";
import { checkKeys, type LegacyKey, type LegacyTraffic } from "./legacy-key.ts";

/** SQLite keeps what it is given, whatever the column's type says: numbers may stand there as text. */
const numeric = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)], "is no number");

export const keyId = numeric.pipe(z.int("is no key id").min(1, "is no key id"));
export const bytes = numeric.pipe(z.int("is no number of bytes").min(0, "is no number of bytes"));
/** A UUID in lower case with dashes, as far as it is one: Xray takes it in upper case and without them, too. */
const uuidText = z.string().transform((text) => {
  const [, ...groups] = /^(.{8})-?(.{4})-?(.{4})-?(.{4})-?(.{12})$/.exec(text.trim().toLowerCase()) ?? [];
  return groups.length === 0 ? text : groups.join("-");
});

export const flag = numeric.transform((value) => value !== 0);

/** From here on a number counts milliseconds: as seconds it would lie in the year 5138. */
const SURELY_MILLISECONDS = 100_000_000_000;

/** A moment as Unix seconds, Unix milliseconds or a date in UTC such as `2024-01-31 12:00:00`. Becomes Unix seconds. */
export const moment = z.union(
  [
    numeric.transform((value) => Math.floor(value >= SURELY_MILLISECONDS ? value / 1000 : value)),
    z
      .string()
      .regex(/^\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/)
      .transform((text) => Math.floor(Date.parse(withZone(text)) / 1000))
      .pipe(z.int()),
  ],
  "is no date",
);

function withZone(text: string): string {
  const iso = text.replace(" ", "T");
  return /T.*(Z|[+-]\d\d:\d\d)$/.test(iso) || !iso.includes("T") ? iso : `${iso}Z`;
}

const MAGIC = "SQLite format 3\0";
/** The file format's versions for writing and reading: 1 is a rollback journal, 2 a write-ahead log. */
const formatVersions = [18, 19] as const;
const ROLLBACK_JOURNAL = 1;

const keyRow = z
  .object({ id: keyId, uuid: uuidText, name: z.string().nullish(), short_id: z.string().nullish(), created_at: moment })
  .transform(
    ({ id, uuid, name, short_id, created_at }): Omit<LegacyKey, "traffic"> => ({
      id,
      uuid,
      name: name ?? null,
      shortId: short_id ?? null,
      createdAt: created_at,
      isActive: true,
    }),
  );

/** Of a key that nobody uses any more only the id matters, for it is never to be used again, and whose counters were its. */
const inactiveRow = z.object({ id: keyId, uuid: uuidText.catch("") }).transform(
  ({ id, uuid }): Omit<LegacyKey, "traffic"> => ({
    id,
    uuid,
    name: null,
    shortId: null,
    createdAt: 0,
    isActive: false,
  }),
);

const activity = z.object({ is_active: flag.nullish() });

const trafficRow = z.object({
  key_id: keyId,
  upload: bytes.nullish(),
  download: bytes.nullish(),
  updated_at: moment.nullish(),
});

const noTraffic: LegacyTraffic = { up: 0, down: 0, updatedAt: 0 };

/**
 * The keys of the first implementation's SQLite database, in ascending order of their ids. Columns that it does not need
 * may be missing or more.
 *
 * @param file the whole file; its write-ahead log must have been merged into it
 * @throws {LegacyDatabaseError}
 */
export async function readLegacyDatabase(file: Uint8Array): Promise<LegacyKey[]> {
  const database = await open(file);
  try {
    const traffic = trafficByKey(rowsOf(database, "traffic_stats", ["key_id", "upload", "download"]));
    const keys = rowsOf(database, "keys", ["id", "uuid", "created_at"])
      .map(keyOf)
      .map((key) => ({ ...key, traffic: traffic.get(key.id) ?? noTraffic }))
      .toSorted((one, other) => one.id - other.id);
    checkKeys(keys);
    return keys;
  } finally {
    database.close();
  }
}

function keyOf(row: Record<string, SqlValue>): Omit<LegacyKey, "traffic"> {
  const { is_active } = parseRow("keys", activity, row);
  return parseRow("keys", is_active === false ? inactiveRow : keyRow, row);
}

async function open(file: Uint8Array): Promise<Database> {
  if (Buffer.from(file.subarray(0, MAGIC.length)).toString("latin1") !== MAGIC) {
    throw new LegacyDatabaseError("the file is no SQLite database");
  }
  const copy = Uint8Array.from(file);
  for (const place of formatVersions) copy[place] = ROLLBACK_JOURNAL;
  const { Database } = await initSqlJs();
  return new Database(copy);
}

/** @throws {LegacyDatabaseError} when the table, or one of the columns that must be, is missing */
function rowsOf(database: Database, table: string, needed: readonly string[]): Record<string, SqlValue>[] {
  const columns = query(database, `PRAGMA table_info("${table}")`).map((column) => String(column["name"]));
  if (columns.length === 0) throw new LegacyDatabaseError(`the database has no table ${table}`);
  const missing = needed.filter((column) => !columns.includes(column));
  if (missing.length > 0) throw new LegacyDatabaseError(`its table ${table} has no column ${missing.join(", ")}`);
  return query(database, `SELECT * FROM "${table}"`);
}

function query(database: Database, sql: string): Record<string, SqlValue>[] {
  try {
    return database.exec(sql).flatMap(namedRows);
  } catch (error) {
    throw new LegacyDatabaseError(`the database can't be read: ${String(error)}`);
  }
}

function namedRows({ columns, values }: QueryExecResult): Record<string, SqlValue>[] {
  return values.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null])));
}

/** Of several records of a key the larger figures hold: each is a copy of the same counters. */
function trafficByKey(rows: readonly Record<string, SqlValue>[]): Map<number, LegacyTraffic> {
  const traffic = new Map<number, LegacyTraffic>();
  for (const row of rows) {
    const { key_id, upload, download, updated_at } = parseRow("traffic_stats", trafficRow, row);
    const before = traffic.get(key_id) ?? noTraffic;
    traffic.set(key_id, {
      up: Math.max(before.up, upload ?? 0),
      down: Math.max(before.down, download ?? 0),
      updatedAt: Math.max(before.updatedAt, updated_at ?? 0),
    });
  }
  return traffic;
}

function parseRow<T>(table: string, schema: z.ZodType<T>, row: Record<string, SqlValue>): T {
  const parsed = schema.safeParse(row);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const id = row["id"] ?? row["key_id"];
  throw new LegacyDatabaseError(`row ${String(id)} of its table ${table}: ${issue?.path.join(".")} ${issue?.message}`);
}

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
