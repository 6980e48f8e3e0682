import { readFile } from "node:fs/promises";

/** Process ids by what they are called. */
export interface ProcessIds {
  readonly services: Readonly<Record<string, number>>;
  readonly engines: Readonly<Record<string, number>>;
}

/** A process's use of the machine so far. */
export interface Usage {
  readonly cpuMs: number;
  /** Resident memory, now. */
  readonly rssMiB: number;
}

/** The kernel counts in hundredths of a second on every platform that Node runs on. */
const MS_PER_TICK = 10;

/** Reads `/proc` for each of the named processes; null where there is none, or when a process is gone. */
export async function usageOf(pids: Readonly<Record<string, number>>): Promise<Readonly<Record<string, Usage>> | null> {
  try {
    const each = Object.entries(pids).map(async ([name, pid]) => [name, await usageOfOne(pid)] as const);
    return Object.fromEntries(await Promise.all(each));
  } catch {
    return null;
  }
}

/** The CPU time used between two looks, by process, in milliseconds. */
export function cpuBetween(
  before: Readonly<Record<string, Usage>>,
  after: Readonly<Record<string, Usage>>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(after).map(([name, { cpuMs }]) => [name, cpuMs - (before[name]?.cpuMs ?? cpuMs)]),
  );
}

async function usageOfOne(pid: number): Promise<Usage> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8"),
    readFile(`/proc/${pid}/status`, "utf8"),
  ]);
  // The name in parentheses may hold spaces; user and system time are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const rssKiB = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK, rssMiB: rssKiB / 1_024 };
}
