import { readFile } from "node:fs/promises";
import { exitOnSettingsError, readSettings } from "@veil/runtime";
import { z } from "zod";
import { describeStep, planFleet } from "./plan-fleet.ts";
import { FleetApi, FleetApiError } from "./fleet-api.ts";
import { FleetFileError, parseFleetFile, writeFleetFile } from "./fleet-file.ts";
import { fileOf } from "./fleet-state.ts";
import { type Command, parseCommand, usage } from "./parse-command.ts";

const fleetSettings = z.object({
  API_URL: z.url({ protocol: /^https?$/, error: "must be an http(s) URL" }).transform((url) => url.replace(/\/+$/, "")),
  API_SECRET_KEY: z.string().min(1, "must not be empty"),
});

const command = parseCommand(process.argv.slice(2));
try {
  process.exitCode = command === null ? complain(usage, 64) : await carryOut(command);
} catch (error) {
  if (!(error instanceof FleetApiError || error instanceof FleetFileError)) throw error;
  process.exitCode = complain(error.message, 1);
}

/** @returns the exit code */
async function carryOut(asked: Command): Promise<number> {
  const settings = exitOnSettingsError(() => readSettings(fleetSettings, { program: "npm run fleet" }));
  const api = new FleetApi({ url: settings.API_URL, key: settings.API_SECRET_KEY });
  if (asked.action === "export") {
    process.stdout.write(writeFleetFile(fileOf(await api.read())));
    return 0;
  }
  const file = parseFleetFile(await readText(asked.file));
  const { steps, unchanged, unnamed } = planFleet(file, await api.read(), asked);
  for (const step of steps) {
    say(describeStep(step));
    if (!asked.isDryRun) await api.carryOut(step);
  }
  if (unnamed.length > 0) say(`not in the file, and left alone (--prune deletes them): ${unnamed.join(", ")}`);
  say(`${steps.length} ${asked.isDryRun ? "to do" : "done"}, ${unchanged} unchanged`);
  return 0;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new FleetFileError(`${path} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`${text}\n`);
  return exitCode;
}
