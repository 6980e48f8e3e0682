import { parseArgs } from "node:util";

export const usage = `usage: npm run fleet -- <command>

  apply <file>   makes nodes and hosts what the file says
    --dry-run      says what would be done, and does nothing
    --prune        also deletes nodes and hosts that the file does not name
  export         prints nodes and hosts as such a file

API_URL and API_SECRET_KEY, or a token in its place, say where; without them the system that \`npm start\` runs here is meant.`;

/** A parsed command line. */
export type Command =
  | { readonly action: "apply"; readonly file: string; readonly isDryRun: boolean; readonly mayPrune: boolean }
  | { readonly action: "export" };

/** The command of a command line, null when it is none. */
export function parseCommand(args: readonly string[]): Command | null {
  const parsed = parsedOrNull(args);
  if (parsed === null) return null;
  const { positionals, values } = parsed;
  const [action, file, ...more] = positionals;
  const { "dry-run": isDryRun, prune: mayPrune } = values;
  if (action === "apply" && file !== undefined && more.length === 0) return { action, file, isDryRun, mayPrune };
  return action === "export" && file === undefined && !isDryRun && !mayPrune ? { action } : null;
}

function parsedOrNull(args: readonly string[]) {
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { "dry-run": flag, prune: flag } });
  } catch {
    return null;
  }
}
