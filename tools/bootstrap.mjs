// Every npm script that runs compiled code, on a fresh clone too: checks Node, installs and builds when needed, goes on.
// Plain Node without dependencies, since nothing is installed yet when it runs.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const NEEDED_NODE = [20, 19];
/** The programs that each task runs once everything is built, and the first argument of a program that does several. */
const PROGRAMS = {
  start: ["local-stack", "main.js"],
  backup: ["local-stack", "backup-main.js", "backup"],
  restore: ["local-stack", "backup-main.js", "restore"],
  jobs: ["jobs", "main.js"],
  import: ["import-keys", "main.js"],
  fleet: ["fleet", "main.js"],
  bench: ["bench", "main.js"],
};
/** Programs that run beside the system rather than start one. */
const BESIDE_THE_SYSTEM = ["jobs", "import", "fleet"];
const root = fileURLToPath(new URL("..", import.meta.url));
const [task, ...args] = process.argv.slice(2);

requireNode();
process.chdir(root);
await install();
await step("Building", process.execPath, [join("node_modules", "typescript", "bin", "tsc"), "-b"]);

if (task === "test") {
  const { runTests } = await import("./run-tests.mjs");
  process.exitCode = await runTests(args);
} else if (task === "faults") {
  const { runVitest } = await import("./run-tests.mjs");
  process.exitCode = await runVitest(["--config", join("tests", "faults", "vitest.config.ts"), ...args]);
} else if (task === "model") {
  const { runModel } = await import("./run-model.mjs");
  process.exitCode = await runModel(args);
} else if (Object.hasOwn(PROGRAMS, task)) {
  if (BESIDE_THE_SYSTEM.includes(task)) await useRunningSystem();
  const [tool, file, ...action] = PROGRAMS[task];
  const program = join(root, "tools", tool, "dist", file);
  process.argv.splice(1, 2, program, ...action);
  // In this very process, so that each signal arrives once.
  await import(pathToFileURL(program).href);
} else {
  fail(`usage: node tools/bootstrap.mjs test|faults|model|${Object.keys(PROGRAMS).join("|")} [arguments]`);
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [neededMajor, neededMinor] = NEEDED_NODE;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return;
  fail(`Node ${NEEDED_NODE.join(".")} or newer is needed, this is ${process.versions.node}. See https://nodejs.org/`);
}

/** Installs exactly what the lockfile says, unless that was done before. */
async function install() {
  const lockfile = "package-lock.json";
  const stampFile = join("node_modules", ".veil-lockfile-sha256");
  const wanted = createHash("sha256").update(readFileSync(lockfile)).digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted) return;

  // npm keeps its own copy of the lockfile there: a newer one means an install by hand.
  const installedLockfile = join("node_modules", ".package-lock.json");
  const isInstalled =
    existsSync(installedLockfile) && statSync(installedLockfile).mtimeMs >= statSync(lockfile).mtimeMs;
  if (!isInstalled) {
    const npmArgs = ["ci", "--include=dev", "--no-audit", "--no-fund"];
    const npm = process.env.npm_execpath;
    if (npm) await step("Installing the packages of the lockfile", process.execPath, [npm, ...npmArgs]);
    else await step("Installing the packages of the lockfile", "npm", npmArgs);
  }
  writeFileSync(stampFile, wanted);
}

/** Names the engines of the `npm start` that runs here, where neither the environment nor `.env` names others. */
async function useRunningSystem() {
  const { readEnvironment } = await import("./local-stack/dist/read-environment.js");
  Object.assign(process.env, await readEnvironment(root));
  const dataDir = process.env.VEIL_DATA_DIR || ".veil";
  const runFile = join(dataDir, "run.json");
  if (!existsSync(runFile)) return;
  const { api, redis, mongodb, xray } = JSON.parse(readFileSync(runFile, "utf8"));
  useUnlessSet({ API_URL: api.url });
  if (!isSet("API_SECRET_KEY")) process.env.API_SECRET_KEY_FILE = join(dataDir, "api-key");
  useUnlessSet({ REDIS_URL: redis.url });
  useUnlessSet({ MONGODB_URI: mongodb.uri });
  const [host, port] = xray.api.split(":");
  if (isSet("XRAY_NODES")) return;
  useUnlessSet({ XRAY_API_HOST: host, XRAY_API_PORT: port, XRAY_INBOUND_TAG: xray.inbound_tag });
}

/** Variables that mean something together only. */
function useUnlessSet(variables) {
  if (Object.keys(variables).some(isSet)) return;
  Object.assign(process.env, variables);
}

function isSet(name) {
  return Boolean(process.env[name] || process.env[`${name}_FILE`]);
}

/** Runs a command quietly; from a second on it reports what it does and for how long. The output is printed when it fails. */
async function step(what, command, commandArgs) {
  const startedAt = performance.now();
  const elapsed = () => `${Math.round((performance.now() - startedAt) / 1_000)} s`;
  let isSlow = false;
  const ticking = setInterval(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    if (!isSlow || seconds % 5 === 0) console.error(isSlow ? `${what} … ${seconds} s` : `${what} …`);
    isSlow = true;
  }, 1_000);
  const { code, output } = await run(command, commandArgs);
  clearInterval(ticking);
  if (code !== 0) fail(`${output}\n${what}: failed after ${elapsed()}.`);
  if (isSlow) console.error(`${what}: done in ${elapsed()}`);
}

function run(command, commandArgs) {
  return new Promise((resolve) => {
    const child = spawn(command, commandArgs, { stdio: ["ignore", "pipe", "pipe"] });
    const endWithUs = (signal) => {
      child.kill(signal);
      process.exit(130);
    };
    process.once("SIGINT", endWithUs).once("SIGTERM", endWithUs);
    let output = "";
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => resolve({ code: null, output: error.message }));
    child.on("close", (code) => {
      process.off("SIGINT", endWithUs).off("SIGTERM", endWithUs);
      resolve({ code, output });
    });
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
