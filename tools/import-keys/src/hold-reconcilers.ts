import { type ExclusiveTask, passTask, waitExclusively } from "@veil/redis";
import { ImportBusyError } from "./import-errors.ts";

const IMPORT_LEASE_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;

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
  const onlyImport = { ...exclusive, subject: "import", leaseMs: IMPORT_LEASE_MS };
  const tasks = [onlyImport, ...nodes.map((node) => passTask(node, exclusive))];
  const nested = tasks.reduceRight<() => Promise<T>>((inner, held) => () => waitAndRun(held, inner), task);
  return nested();
}

async function waitAndRun<T>(exclusive: ExclusiveTask, task: () => Promise<T>): Promise<T> {
  const done = await waitExclusively(exclusive, task, { waitMs: LONGEST_WAIT_MS });
  if (done === null) throw new ImportBusyError(exclusive.subject);
  return done.result;
}
