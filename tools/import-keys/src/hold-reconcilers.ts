import { setTimeout as sleep } from "node:timers/promises";
import { type ExclusiveTask, runExclusively } from "@veil/redis";
import { ImportBusyError } from "./import-errors.ts";

const LEASE_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;
const ASK_AGAIN_MS = 50;

/**
 * Runs the task while no worker reconciles any of the nodes, and no other import runs. A worker that sees a key whose
 * user still has its e-mail of before would add the same UUID a second time.
 *
 * @throws {ImportBusyError}, and what the task throws
 */
export async function holdReconcilers<T>(
  nodes: readonly string[],
  exclusive: Pick<ExclusiveTask, "redis" | "prefix">,
  task: () => Promise<T>,
): Promise<T> {
  const subjects = ["import", ...nodes.map((node) => `reconcile:${node}`)];
  const nested = subjects.reduceRight<() => Promise<T>>(
    (inner, subject) => () => waitAndRun({ ...exclusive, subject, leaseMs: LEASE_MS }, inner),
    task,
  );
  return nested();
}

async function waitAndRun<T>(exclusive: ExclusiveTask, task: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + LONGEST_WAIT_MS;
  while (true) {
    const done = await runExclusively(exclusive, task);
    if (done !== null) return done.result;
    if (performance.now() > giveUpAt) throw new ImportBusyError(exclusive.subject);
    await sleep(ASK_AGAIN_MS);
  }
}
