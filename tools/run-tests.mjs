// Runs vitest and ends with a line for each test that was skipped and one that sums all up: "N passed, N failed".
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

/** Instead of the embedded engines, and after them. */
const ON_CONTAINERS = "--containers";
const WITH_CONTAINERS = "--with-containers";
/** Of thousands of tests on real processes a few may fail by chance on a machine that does other things. More are no chance. */
const MOST_RUN_AGAIN = 3;
/** Rooms that speak to Redis and MongoDB themselves. */
const ROOMS_OF_ENGINES = ["libs/adapters/redis", "libs/adapters/job-queue", "libs/adapters/mongo"];

/**
 * @param {string[]} args arguments of `vitest run`, such as `--project unit`; `--containers` takes the engines of images for the
 *   integration tests, and `--with-containers` has those of some rooms run on them after all others, where images are to be had;
 *   with `--retry=1` a test that fails runs once more, and has a line at the end when it passes then.
 * @returns {Promise<number>} the exit code: 0 when tests ran and none failed.
 */
export async function runTests(args) {
  const directory = mkdtempSync(join(tmpdir(), "veil-tests-"));
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const leftOut = [...leftOutBefore()];
  const runAgain = [];
  const onImages = [];
  const runAndCount = async (options, env, images) => {
    const report = join(directory, "report.json");
    rmSync(report, { force: true });
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const code = await runVitest([...options, ...reporters], env);
    const { skippedTests, flakyTests, ...counts } = readReport(report);
    leftOut.push(...skippedTests);
    runAgain.push(...flakyTests);
    // A suite that cannot be loaded, or an error outside of all tests, fails no test.
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    for (const kind of Object.keys(sum)) sum[kind] += counts[kind];
    if (images !== undefined) onImages.push(`on ${images}: ${counts.passed} passed, ${counts.failed} failed`);
    return code === 0 && counts.failed > 0 ? 1 : code;
  };
  try {
    const code = await runAll(args, runAndCount, (line) => void leftOut.push(line));
    for (const line of [...leftOut, ...onImages, ...runAgain]) console.log(line);
    const areTooMany = runAgain.length > MOST_RUN_AGAIN;
    if (areTooMany) {
      console.log(`${runAgain.length} tests passed only when run again; more than ${MOST_RUN_AGAIN} count as failed`);
      sum.passed -= runAgain.length;
      sum.failed += runAgain.length;
    }
    const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : "";
    console.log(`${sum.passed} passed, ${sum.failed} failed${skipped}`);
    return areTooMany ? Math.max(code, 1) : code;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runAll(args, run, leaveOut) {
  const filters = args.filter((arg) => arg !== ON_CONTAINERS && arg !== WITH_CONTAINERS);
  if (args.includes(ON_CONTAINERS)) return (await onContainers(filters, run, leaveOut)) ?? 1;
  const code = await run(filters);
  if (!args.includes(WITH_CONTAINERS)) return code;
  return Math.max(code, (await onContainers([...ROOMS_OF_ENGINES, ...args.filter(isRetry)], run, leaveOut)) ?? 0);
}

function isRetry(arg) {
  return arg.startsWith("--retry=");
}

async function onContainers(filters, run, leaveOut) {
  const { testOnContainers } = await import("./test-on-containers.mjs");
  return testOnContainers(filters, run, leaveOut);
}

/**
 * @param {string[]} args arguments of `vitest run`. @param {Record<string, string>} env added to this process's own
 * @returns {Promise<number>} its exit code
 */
export function runVitest(args, env = {}) {
  const vitest = join("node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", ...args], {
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  // A terminal sends Ctrl-C to the child as well; anyone else only to us.
  const passOn = (signal) => {
    if (signal === "SIGTERM" || !process.stdin.isTTY) child.kill(signal);
  };
  process.on("SIGINT", passOn).on("SIGTERM", passOn);
  return new Promise((resolve) => {
    child.on("error", () => resolve(1));
    child.on("close", (code) => {
      process.off("SIGINT", passOn).off("SIGTERM", passOn);
      resolve(code ?? 1);
    });
  });
}

function readReport(file) {
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    const { numPassedTests: passed, numFailedTests: failed, numPendingTests, numTodoTests = 0 } = report;
    const tests = report.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.map((result) => ({ ...result, title: `${relative(process.cwd(), name)}: ${result.fullName}` })),
    );
    const skippedTests = tests.filter(isSkipped).map(({ title }) => `left out: ${title}`);
    const flakyTests = tests
      .filter(({ status, failureMessages }) => status === "passed" && failureMessages.length > 0)
      .map(({ title, failureMessages }) => `passed when run again: ${title} (${failureMessages[0].split("\n")[0]})`);
    return { passed, failed, skipped: numPendingTests + numTodoTests, skippedTests, flakyTests };
  } catch {
    return { passed: 0, failed: 0, skipped: 0, skippedTests: [], flakyTests: [] };
  }
}

function isSkipped({ status }) {
  return status === "skipped" || status === "pending" || status === "todo";
}

/** The checks that were left out before the tests: they add a line each to the file that VEIL_LEFT_OUT names. */
function leftOutBefore() {
  const file = process.env.VEIL_LEFT_OUT;
  if (!file || !existsSync(file)) return [];
  return readFileSync(file, "utf8").split("\n").filter(Boolean);
}
