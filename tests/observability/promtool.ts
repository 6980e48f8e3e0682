import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Where the rules and the scrape configuration are. */
export const prometheusDir = fileURLToPath(new URL("../../observability/prometheus/", import.meta.url));

/** Whether `promtool`, which comes with Prometheus, is on the PATH. */
export const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

/** Runs promtool in the folder of the rules. @returns what it printed @throws with what it printed when it complains */
export async function promtool(...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)("promtool", args, { cwd: prometheusDir });
  return stdout + stderr;
}
