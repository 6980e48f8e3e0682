import { link, readFile, rm } from "node:fs/promises";
import { writePrivateFile } from "@veil/runtime";
import { z } from "zod";
import { startMarkOf } from "./process-identity.ts";
import { StackStartError } from "./stack-errors.ts";

const ownerSchema = z.object({ pid: z.number().int().positive(), startMark: z.string() });

/**
 * Makes this process the only one that runs a stack on a data directory.
 *
 * @returns gives it free again.
 * @throws {StackStartError} when another one that lives has it. One that was killed has not.
 */
export async function lockDataDirectory(lockFile: string): Promise<() => Promise<void>> {
  const candidate = `${lockFile}.${process.pid}`;
  const owner = { pid: process.pid, startMark: (await startMarkOf(process.pid)) ?? "" };
  await writePrivateFile(candidate, JSON.stringify(owner));
  try {
    await linkUnlessOwned(candidate, lockFile);
  } finally {
    await rm(candidate, { force: true });
  }
  return () => rm(lockFile, { force: true });
}

/** A link appears with its content, so nobody reads half a lock. */
async function linkUnlessOwned(candidate: string, lockFile: string): Promise<void> {
  for (;;) {
    try {
      await link(candidate, lockFile);
      return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    const pid = await livingOwner(lockFile);
    if (pid !== undefined) {
      throw new StackStartError(
        `A stack is running on this data directory already (process ${pid}). Stop it first, or set VEIL_DATA_DIR and API_PORT to others.`,
      );
    }
    await rm(lockFile, { force: true });
  }
}

async function livingOwner(lockFile: string): Promise<number | undefined> {
  const text = await readFile(lockFile, "utf8").catch(() => "null");
  const owner = ownerSchema.safeParse(JSON.parse(text));
  if (!owner.success) return undefined;
  const startMark = await startMarkOf(owner.data.pid);
  return startMark === owner.data.startMark ? owner.data.pid : undefined;
}
