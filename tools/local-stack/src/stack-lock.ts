import { createHash, randomUUID } from "node:crypto";
import { link, readFile, rename, rm } from "node:fs/promises";
import { writePrivateFile } from "@veil/runtime";
import { z } from "zod";
import { startMarkOf } from "./child-registry.ts";
import { parseJson } from "./parse-json.ts";
import { StackStartError } from "./stack-context.ts";

const ownerSchema = z.object({ pid: z.number().int().positive(), startMark: z.string() });

/**
 * Makes this process the only one that runs a stack on a data directory.
 *
 * @returns gives it free again.
 * @throws {StackStartError} when another one that lives has it. One that was killed has not.
 */
export async function lockDataDirectory(lockFile: string): Promise<() => Promise<void>> {
  const id = randomUUID();
  const candidate = `${lockFile}.${id}`;
  const owner = { pid: process.pid, startMark: (await startMarkOf(process.pid)) ?? "", id };
  await writePrivateFile(candidate, JSON.stringify(owner));
  try {
    while (!(await linked(candidate, lockFile)) && !(await inherited(candidate, lockFile)));
  } finally {
    await rm(candidate, { force: true });
  }
  return () => rm(lockFile, { force: true });
}

/**
 * Takes the lock of an owner who died. Of several who try only one may replace it, and none may remove what another one has
 * just put there: so they compete for a link that is named after the dead owner, and for the next one if its owner died as well.
 *
 * @returns false when the lock has changed meanwhile
 */
async function inherited(candidate: string, lockFile: string): Promise<boolean> {
  const left = await textOf(lockFile);
  const claims: string[] = [];
  for (let dead = left; dead !== null; dead = await textOf(claims.at(-1) ?? lockFile)) {
    await refuseIfAlive(dead);
    const claim = `${lockFile}.after-${createHash("sha256").update(dead).digest("hex").slice(0, 16)}`;
    claims.push(claim);
    if (!(await linked(candidate, claim))) continue;
    // A successor removes its claims once its lock is there: one that got free in this way comes too late.
    const isInTime = (await textOf(lockFile)) === left;
    if (isInTime) await rename(candidate, lockFile);
    for (const one of isInTime ? claims : [claim]) await rm(one, { force: true });
    return isInTime;
  }
  return false;
}

/** A link appears with its content, so nobody reads half a lock. @returns false when the name is taken */
async function linked(candidate: string, name: string): Promise<boolean> {
  try {
    await link(candidate, name);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Null when there is no such file. */
async function textOf(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch(() => null);
}

async function refuseIfAlive(text: string): Promise<void> {
  // A file that is no JSON is nobody's.
  const owner = ownerSchema.safeParse(parseJson(text));
  if (!owner.success || (await startMarkOf(owner.data.pid)) !== owner.data.startMark) return;
  throw new StackStartError(
    `A stack is running on this data directory already (process ${owner.data.pid}). Stop it first, or set VEIL_DATA_DIR and API_PORT to others.`,
  );
}
