import { type FailedJob, FailedJobs, QueueUnavailableError } from "@veil/job-queue";
import { engineVariables, exitOnSettingsError, readSettings } from "@veil/runtime";
import { z } from "zod";
import { type Command, parseCommand, usage } from "./parse-command.ts";

const jobsSettings = z.object(engineVariables).pick({ REDIS_URL: true, QUEUE_PREFIX: true });

const settings = exitOnSettingsError(() => readSettings(jobsSettings, { program: "npm run jobs" }));
const command = parseCommand(process.argv.slice(2));
try {
  process.exitCode = command === null ? complain(usage, 64) : await carryOut(command);
} catch (error) {
  if (!(error instanceof QueueUnavailableError)) throw error;
  process.exitCode = complain(`Redis does not answer: ${String(error.cause)}. REDIS_URL says which one is meant.`, 1);
}

/** @returns the exit code */
async function carryOut(asked: Command): Promise<number> {
  let touched = 0;
  for (const queue of asked.queues) {
    const failed = await FailedJobs.open({ queue, redisUrl: settings.REDIS_URL, prefix: settings.QUEUE_PREFIX });
    try {
      touched += await carryOutIn(failed, asked);
    } finally {
      await failed.close();
    }
  }
  if (asked.action === "failed") say(touched === 1 ? "1 failed job" : `${touched} failed jobs`);
  else if (asked.action === "retry" && touched === 0) return complain(`no failed job ${asked.id}`, 1);
  else say(`delivered again: ${touched}`);
  return 0;
}

/** @returns how many jobs were shown or retried */
async function carryOutIn(failed: FailedJobs, asked: Command): Promise<number> {
  if (asked.action === "retry") return (await failed.retry(asked.id)) === "retried" ? 1 : 0;
  const jobs = await failed.list();
  if (asked.action === "failed") {
    for (const job of jobs) say(describe(job));
    return jobs.length;
  }
  let retried = 0;
  for (const { id } of jobs) if ((await failed.retry(id)) === "retried") retried += 1;
  return retried;
}

function describe({ id, name, reason, attempts, failedAt, payload }: FailedJob): string {
  const when = new Date(failedAt).toISOString();
  return `${id}\n  ${name}, failed ${when} after ${attempts} deliveries\n  ${reason}\n  ${JSON.stringify(payload)}\n`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string, exitCode: number): number {
  process.stderr.write(`${line}\n`);
  return exitCode;
}
