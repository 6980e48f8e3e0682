// Runs vitest and ends with one line that sums it up: "N passed, N failed", with ", N skipped" when there are any.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * @param {string[]} args arguments of `vitest run`, such as `--project unit`.
 * @returns {Promise<number>} the exit code: 0 when tests ran and none failed.
 */
export async function runTests(args) {
  const directory = mkdtempSync(join(tmpdir(), "veil-tests-"));
  const report = join(directory, "report.json");
  try {
    const code = await runVitest([...args, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`]);
    const counts = count(report);
    // A suite that cannot be loaded, or an error outside of all tests, fails no test.
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
    return code === 0 && counts.failed > 0 ? 1 : code;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @param {string[]} args arguments of `vitest run`. @returns {Promise<number>} its exit code */
export function runVitest(args) {
  const vitest = join("node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", ...args], { stdio: "inherit" });
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
