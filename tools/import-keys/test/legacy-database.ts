import { randomUUID } from "node:crypto";
import initSqlJs from "sql.js";

/** A row of `keys` with its row of `traffic_stats`, as the first implementation would have written them. */
export interface LegacyRow {
  readonly id: number;
  readonly uuid: string;
  readonly name: string | null;
  readonly created_at: number;
  readonly is_active: number;
  readonly upload: number;
  readonly download: number;
  readonly updated_at: number;
}

const names = ["Анна 🌍", "用户", 'O\'Brien "x"', "مستخدم", "e\u0301 & é", "", null, "user_123 #?/%", "👩‍👩‍👧‍👦"];

/** So many keys with names from everywhere; ids begin at 1 and leave every seventh one out. */
export function legacyRows(count: number): LegacyRow[] {
  return Array.from({ length: count }, (_, index) => {
    const id = index + 1 + Math.floor(index / 6);
    const name = names[index % names.length] ?? null;
    return {
      id,
      uuid: randomUUID(),
      name: name === null || name === "" ? name : `${name} ${id}`,
      created_at: 1_700_000_000 + id,
      is_active: 1,
      upload: id * 1_000,
      download: id * 3_000_000,
      updated_at: 1_700_000_500 + id,
    };
  });
}

/** The SQLite file of the first implementation with these keys. */
export async function legacyDatabase(rows: readonly LegacyRow[]): Promise<Uint8Array> {
  const { Database } = await initSqlJs();
  const database = new Database();
  database.run(`CREATE TABLE keys (id INTEGER NOT NULL PRIMARY KEY, uuid VARCHAR NOT NULL, short_id VARCHAR(8) NOT NULL,
    name VARCHAR, created_at BIGINT NOT NULL, is_active INTEGER, last_used_at BIGINT)`);
  database.run(`CREATE TABLE traffic_stats (id INTEGER NOT NULL PRIMARY KEY, key_id INTEGER NOT NULL,
    upload BIGINT, download BIGINT, updated_at BIGINT NOT NULL, FOREIGN KEY(key_id) REFERENCES keys (id))`);
  database.run("BEGIN");
  for (const { id, uuid, name, created_at, is_active, upload, download, updated_at } of rows) {
    database.run("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, NULL)", [
      id,
      uuid,
      "7bb45050",
      name,
      created_at,
      is_active,
    ]);
    database.run("INSERT INTO traffic_stats (key_id, upload, download, updated_at) VALUES (?, ?, ?, ?)", [
      id,
      upload,
      download,
      updated_at,
    ]);
  }
  database.run("COMMIT");
  const file = database.export();
  database.close();
  return file;
}
