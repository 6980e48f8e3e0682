import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, parseCommand, runCommand } from "@veil/backup";
import { findMongodb, startMongodb } from "@veil/engines";
import { errorMessage, exitOnSettingsError, readSettings } from "@veil/runtime";
import { type DataDirectory, openDataDirectory } from "./data-directory.ts";
import { dataSecrets } from "./data-secrets.ts";
import { readEnvironment } from "./read-environment.ts";
import { runningMongodb } from "./running-mongodb.ts";
import { stackSettings } from "./settings.ts";
import { lockDataDirectory } from "./stack-lock.ts";

const usage = `usage: npm run backup -- --to PATH|- [--keep COUNT]
         writes MongoDB and the secrets of this system, running or not, into one archive;
         PATH is a file, or a directory (one that is there, or ends with "/"), which alone keeps the newest COUNT of them
       npm run restore -- FILE|- [--replace]
         fills an empty system that does not run; with --replace one that is not empty

VEIL_DATA_DIR and MONGODB_URI say which system is meant, as for npm start.`;

const projectRoot = fileURLToPath(new URL("../../..", import.meta.url));
const say = (line: string) => void process.stderr.write(`${line}\n`);

const command = parseCommand(process.argv.slice(2));
if (command === null) {
  say(usage);
  process.exitCode = 64;
} else {
  process.exitCode = await carryOut(command).catch((error: unknown) => {
    say(errorMessage(error));
    return 1;
  });
}

/** @returns the exit code */
async function carryOut(asked: Command): Promise<number> {
  const env = await readEnvironment(projectRoot);
  const settings = exitOnSettingsError(() => readSettings(stackSettings, { program: `npm run ${asked.action}`, env }));
  const data = await openDataDirectory(projectRoot, settings.VEIL_DATA_DIR);
  const secrets = dataSecrets(data);
  const running = asked.action === "backup" ? await runningMongodb(data) : null;
  if (running !== null) return runCommand(asked, { uri: running, secrets }, say);
  const unlock = await lockDataDirectory(data.lockFile);
  try {
    const code = await withMongodb(data, settings.MONGODB_URI, env, (uri) => runCommand(asked, { uri, secrets }, say));
    // Jobs, leases and notes of the system that was there before.
    if (asked.action === "restore" && code === 0) await rm(data.redis, { recursive: true, force: true });
    return code;
  } finally {
    await unlock();
  }
}

async function withMongodb<T>(
  data: DataDirectory,
  setting: string | undefined,
  env: NodeJS.ProcessEnv,
  use: (uri: string) => Promise<T>,
): Promise<T> {
  if (setting !== undefined) return use(setting);
  const engine = await findMongodb({ progress: say, env });
  const logFile = join(data.root, "logs", "mongodb.log");
  const mongodb = await startMongodb({ engine, dataDir: data.mongodb, logFile });
  try {
    return await use(mongodb.uri);
  } finally {
    await mongodb.stop();
  }
}
