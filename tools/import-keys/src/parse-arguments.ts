import { parseArgs } from "node:util";

export const USAGE = `usage: npm run import -- --sqlite FILE [--dry-run]

Moves the keys of the first implementation into Veil: ids, UUIDs, names, dates and totals, so that every link goes on
working. Can be run again at any time, also after it was interrupted.

  --sqlite FILE   its database
  --dry-run       says what would be done, and changes nothing`;

export interface Arguments {
  readonly sqlite: string;
  readonly dryRun: boolean;
}

/** Parses the command line, null when it makes no sense. */
export function parseArguments(args: readonly string[]): Arguments | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { sqlite: { type: "string" }, "dry-run": { type: "boolean", default: false } },
    });
    if (values.sqlite === undefined || values.sqlite === "") return null;
    return { sqlite: values.sqlite, dryRun: values["dry-run"] };
  } catch {
    return null;
  }
}
