// Runs vitest and ends with one line that sums it up: "N passed, N failed", with ", N skipped" when there are any.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ON_CONTAINERS = "--containers";

/**
 * @param {string[]} args arguments of `vitest run`, such as `--project unit`; `--containers` takes the engines of images.
 * @returns {Promise<number>} the exit code: 0 when tests ran and none failed.
 */
export async function runTests(args) {
  const directory = mkdtempSync(join(tmpdir(), "veil-tests-"));
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const runAndCount = async (options, env) => {
    const report = join(directory, "report.json");
    rmSync(report, { force: true });
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const code = await runVitest([...options, ...reporters], env);
    const counts = count(report);
    // A suite that cannot be loaded, or an error outside of all tests, fails no test.
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    for (const kind of Object.keys(sum)) sum[kind] += counts[kind];
    return code === 0 && counts.failed > 0 ? 1 : code;
  };
  try {
    const code = args.includes(ON_CONTAINERS) ? await onContainers(args, runAndCount) : await runAndCount(args);
    const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : "";
    console.log(`${sum.passed} passed, ${sum.failed} failed${skipped}`);
    return code;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function onContainers(args, run) {
  const { testOnContainers } = await import("./test-on-containers.mjs");
  return testOnContainers(
    args.filter((arg) => arg !== ON_CONTAINERS),
    run,
  );
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

function count(report) {
  try {
    const {
      numPassedTests,
      numFailedTests,
      numPendingTests,
      numTodoTests = 0,
    } = JSON.parse(readFileSync(report, "utf8"));
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}
