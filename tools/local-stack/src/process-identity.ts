import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/**
 * When a process was started, in a form that is only good for comparing. A number of a process that has ended is given
 * to another one sooner or later; number and start together name one process for ever.
 *
 * @returns undefined when there is no such process.
 */
export async function startMarkOf(pid: number): Promise<string | undefined> {
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

/** Field 22 of /proc/PID/stat (proc(5)); field 2 is the command in parentheses, which may hold anything. */
async function fromProc(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    const fromThird = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const isZombie = fromThird[0] === "Z";
    return isZombie ? undefined : fromThird[22 - 3];
  } catch {
    return undefined;
  }
}

async function fromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)]);
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}
