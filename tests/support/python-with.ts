import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const repoRoot = new URL("../../", import.meta.url).pathname;

/**
 * A Python with these packages, made once in the project's cache.
 *
 * @param name of its folder there @returns the folder with its programs; null on a machine without python3 and venv
 */
export async function pythonWith(name: string, packages: readonly string[]): Promise<string | null> {
  const home = join(repoRoot, ".cache", name);
  const programs = join(home, "bin");
  try {
    await access(join(programs, "pip")).catch(() => run("python3", ["-m", "venv", home]));
  } catch {
    return null;
  }
  const options = ["install", "--quiet", "--disable-pip-version-check"];
  await run(join(programs, "python"), ["-m", "pip", ...options, ...packages]);
  return programs;
}
