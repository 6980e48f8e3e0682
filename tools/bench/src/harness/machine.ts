import { cpus, totalmem } from "node:os";
import { readFileSync } from "node:fs";

/** The machine of the measurements. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly system: string;
  readonly mongodb: string;
  /** Processes that wanted a core in the minute before the run; well above 0 means that the machine was shared. */
  readonly loadBefore: number | null;
}

/** This machine and its load. @param mongodb the kind of MongoDB that is measured */
export function describeMachine(mongodb: string): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.versions.node,
    system: `${process.platform} ${process.arch}`,
    mongodb,
    loadBefore: loadOfLastMinute(),
  };
}

function loadOfLastMinute(): number | null {
  try {
    return Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
  } catch {
    return null;
  }
}
