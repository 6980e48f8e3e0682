import { statSync } from "node:fs";
import { parseArgs } from "node:util";

/** A parsed command line. */
export type Command =
  | { readonly action: "backup"; readonly to: string; readonly keep: number | null }
  | { readonly action: "restore"; readonly from: string; readonly replace: boolean };

/** The command of a command line, null when it is none; looks whether `--to` is a directory. @param args the action, then its own arguments */
export function parseCommand([action, ...args]: readonly string[]): Command | null {
  if (action === "backup") return parseBackup(args);
  return action === "restore" ? parseRestore(args) : null;
}

function parseBackup(args: string[]): Command | null {
  try {
    const { values } = parseArgs({ args, options: { to: { type: "string" }, keep: { type: "string" } } });
    const { to = "", keep } = values;
    if (to === "" || (keep !== undefined && !(/^[1-9]\d{0,3}$/.test(keep) && isDirectory(to)))) return null;
    return { action: "backup", to, keep: keep === undefined ? null : Number(keep) };
  } catch {
    return null;
  }
}

/** Whether `--to` means a directory, of which alone some backups can be kept. */
function isDirectory(to: string): boolean {
  if (to === "-") return false;
  return to.endsWith("/") || statSync(to, { throwIfNoEntry: false })?.isDirectory() === true;
}

function parseRestore(args: string[]): Command | null {
  try {
    const options = { replace: { type: "boolean", default: false } } as const;
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
    const [from, ...more] = positionals;
    if (from === undefined || more.length > 0) return null;
    return { action: "restore", from, replace: values.replace };
  } catch {
    return null;
  }
}
