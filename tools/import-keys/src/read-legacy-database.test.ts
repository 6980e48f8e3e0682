import initSqlJs from "sql.js";
import { describe, expect, it } from "vitest";
import { legacyDatabase, legacyRows } from "../test/legacy-database.ts";
import { LegacyDatabaseError } from "./import-errors.ts";
import { readLegacyDatabase } from "./read-legacy-database.ts";

const UUID = "3f2b8a52-6f0c-4a7b-9a51-0c1d2e3f4a5b";

async function databaseOf(...statements: readonly string[]): Promise<Uint8Array> {
  const { Database } = await initSqlJs();
  const database = new Database();
  for (const statement of statements) database.run(statement);
  return database.export();
}

const TRAFFIC = "CREATE TABLE traffic_stats (key_id, upload, download, updated_at)";

describe("readLegacyDatabase", () => {
  it("reads ids, UUIDs, Unicode names, dates and totals as they were written", async () => {
    const rows = legacyRows(50);
    const keys = await readLegacyDatabase(await legacyDatabase(rows));
    expect(keys).toEqual(
      rows.map((row) => ({
        id: row.id,
        uuid: row.uuid,
        name: row.name,
        shortId: "7bb45050",
        createdAt: row.created_at,
        isActive: true,
        traffic: { up: row.upload, down: row.download, updatedAt: row.updated_at },
      })),
    );
  });

  it("reads a file that its owner kept in write-ahead mode", async () => {
    const file = await legacyDatabase(legacyRows(3));
    file[18] = 2;
    file[19] = 2;
    expect(await readLegacyDatabase(file)).toHaveLength(3);
  });

  it("does without columns that it does not need, and takes numbers and dates in other forms", async () => {
    const file = await databaseOf(
      "CREATE TABLE keys (id, uuid, created_at)",
      TRAFFIC,
      `INSERT INTO keys VALUES (7, '${UUID.toUpperCase()}', '2024-01-31 12:00:00')`,
      "INSERT INTO traffic_stats VALUES (7, '12', NULL, 1706702400000)",
    );
    expect(await readLegacyDatabase(file)).toEqual([
      {
        id: 7,
        uuid: UUID,
        name: null,
        shortId: null,
        createdAt: 1_706_702_400,
        isActive: true,
        traffic: { up: 12, down: 0, updatedAt: 1_706_702_400 },
      },
    ]);
  });

  it("takes the larger figures of a key that has two records", async () => {
    const file = await databaseOf(
      "CREATE TABLE keys (id, uuid, created_at, is_active)",
      TRAFFIC,
      `INSERT INTO keys VALUES (7, '${UUID}', 1700000000, 0)`,
      "INSERT INTO traffic_stats VALUES (7, 5, 9, 1700000001), (7, 6, 8, 1700000000)",
    );
    const [key] = await readLegacyDatabase(file);
    expect(key).toMatchObject({ isActive: false, traffic: { up: 6, down: 9, updatedAt: 1_700_000_001 } });
  });

  it("takes UUIDs in every form in which Xray does", async () => {
    const file = await databaseOf(
      "CREATE TABLE keys (id, uuid, created_at)",
      TRAFFIC,
      `INSERT INTO keys VALUES (7, ' ${UUID.toUpperCase().replaceAll("-", "")} ', 1700000000)`,
    );
    expect(await readLegacyDatabase(file)).toMatchObject([{ id: 7, uuid: UUID }]);
  });

  it("asks nothing of inactive keys but that their ids leave some to others", async () => {
    const file = await databaseOf(
      "CREATE TABLE keys (id, uuid, created_at, is_active)",
      TRAFFIC,
      `INSERT INTO keys VALUES (7, '${UUID}', 1700000000, 1), (8, '${UUID}', 1700000000, 0), (9, 'hello', 'x', 0)`,
    );
    expect((await readLegacyDatabase(file)).map(({ id, isActive }) => [id, isActive])).toEqual([
      [7, true],
      [8, false],
      [9, false],
    ]);
  });

  it.each([
    [
      "id 9007199254740991 leaves too few for new keys, which get ids above the highest one; delete that inactive row",
      () =>
        databaseOf(
          "CREATE TABLE keys (id, uuid, created_at, is_active)",
          TRAFFIC,
          `INSERT INTO keys VALUES (9007199254740991, '${UUID}', 1, 0)`,
        ),
    ],
    ["the file is no SQLite database", async () => new TextEncoder().encode("id,uuid\n")],
    ["the database has no table traffic_stats", () => databaseOf("CREATE TABLE keys (id, uuid, created_at)")],
    ["its table keys has no column uuid", () => databaseOf("CREATE TABLE keys (id, created_at)", TRAFFIC)],
    [
      "key 7 has no version 4 UUID",
      () => databaseOf("CREATE TABLE keys (id, uuid, created_at)", TRAFFIC, "INSERT INTO keys VALUES (7, 'hello', 1)"),
    ],
    [
      "row 7 of its table keys: created_at is no date",
      () =>
        databaseOf("CREATE TABLE keys (id, uuid, created_at)", TRAFFIC, `INSERT INTO keys VALUES (7, '${UUID}', 'x')`),
    ],
    [
      "Xray takes the UUIDs of keys 7 and 8 for the same user",
      () =>
        databaseOf(
          "CREATE TABLE keys (id, uuid, created_at)",
          TRAFFIC,
          `INSERT INTO keys VALUES (7, '${UUID}', 1), (8, '${UUID.replace("4a7b", "4bbb")}', 1)`,
        ),
    ],
  ])("says %j and no more of a database that is another", async (sentence, make) => {
    const reading = readLegacyDatabase(await make());
    await expect(reading).rejects.toThrow(LegacyDatabaseError);
    await expect(reading).rejects.toThrow(sentence);
  });
});
