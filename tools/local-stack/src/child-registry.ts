import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { readFileIfThere, writePrivateFile } from "@veil/runtime";
import { z } from "zod";
import { parseJson } from "./parse-json.ts";

const childrenSchema = z.record(z.string(), z.object({ pid: z.number().int().positive(), startMark: z.string() }));

type Children = z.infer<typeof childrenSchema>;

const TERM_GRACE_MS = 5_000;
const LOOK_EVERY_MS = 50;

/**
 * Remembers on disk which processes were started, so that the next start can end what a kill -9 of this one leaves
 * behind.
 */
export class ChildRegistry {
  readonly #file: string;
  #children: Children = {};
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /** Ends the processes of a former stack that still run, and reports each; also a file that does not say which they are. */
  async endLeftovers(report: (line: string) => void): Promise<void> {
    const children = await this.#read();
    if (children === "damaged") {
      report(`${this.#file} is damaged: processes of a former start that still run are not ended.`);
    }
    for (const [name, child] of Object.entries(children === "damaged" ? {} : children)) {
      if ((await startMarkOf(child.pid)) !== child.startMark) continue;
      report(`${name} of a former start still runs (process ${child.pid}): ending it.`);
      await endProcess(child);
    }
    await rm(this.#file, { force: true });
  }

  /** Whether a process that the present or a former stack started runs. */
  async isRunning(name: string, pid: number): Promise<boolean> {
    const children = await this.#read();
    const child = children === "damaged" ? undefined : children[name];
    return child?.pid === pid && (await startMarkOf(pid)) === child.startMark;
  }

  async started(name: string, pid: number): Promise<void> {
    const startMark = await startMarkOf(pid);
    if (startMark === undefined) return;
    this.#children[name] = { pid, startMark };
    this.#writing = this.#writing.then(() => writePrivateFile(this.#file, JSON.stringify(this.#children)));
    await this.#writing;
  }

  /** Call when all of them have ended. */
  async clear(): Promise<void> {
    await this.#writing;
    await rm(this.#file, { force: true });
  }

  async #read(): Promise<Children | "damaged"> {
    const text = await readFileIfThere(this.#file).catch(() => "");
    const children = childrenSchema.safeParse(parseJson(text ?? "{}"));
    return children.success ? children.data : "damaged";
  }
}

async function endProcess({ pid, startMark }: Children[string]): Promise<void> {
  const isAlive = async () => (await startMarkOf(pid)) === startMark;
  process.kill(pid, "SIGTERM");
  for (const deadline = performance.now() + TERM_GRACE_MS; performance.now() < deadline; await delay(LOOK_EVERY_MS)) {
    if (!(await isAlive())) return;
  }
  if (await isAlive()) process.kill(pid, "SIGKILL");
  while (await isAlive()) await delay(LOOK_EVERY_MS);
}

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
