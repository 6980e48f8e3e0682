import type { Connection } from "mongoose";

const answers = new WeakMap<Connection, boolean>();

/**
 * Whether the engine uses its index for a filter with several `_id`s. FerretDB 1.x, the embedded engine, does so for one
 * alone and reads the whole collection for more.
 */
export async function findsManyByIndex(connection: Connection): Promise<boolean> {
  const known = answers.get(connection);
  if (known !== undefined) return known;
  const build = await connection.db?.command({ buildInfo: 1 });
  const answer = build?.["ferretdbVersion"] === undefined;
  if (build !== undefined) answers.set(connection, answer);
  return answer;
}
