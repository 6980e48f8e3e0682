import { constants } from "node:fs";
import { access, mkdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { StackStartError } from "./stack-context.ts";

/** Everything that outlives a start, and the logs. */
export interface DataDirectory {
  root: string;
  lockFile: string;
  runFile: string;
  childrenFile: string;
  prometheusTargetsFile: string;
  apiKeyFile: string;
  /** The key that seals secrets of webhooks. */
  webhookKeyFile: string;
  realityFile: string;
  xrayConfigFile: string;
  redis: string;
  mongodb: string;
  /** Log file of a child. */
  logOf(child: string): string;
}

/**
 * Makes the data directory, for this user alone.
 *
 * @throws {StackStartError} when it cannot be made or written.
 */
export async function openDataDirectory(projectRoot: string, setting: string): Promise<DataDirectory> {
  const root = resolve(projectRoot, setting);
  try {
    for (const directory of [root, join(root, "logs"), join(root, "xray")]) await makeDirectory(directory);
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new StackStartError(
      `VEIL_DATA_DIR cannot be written: ${root} (${reason}). Set it to a directory of yours; example: VEIL_DATA_DIR=.veil`,
    );
  }
  return {
    root,
    lockFile: join(root, "stack.lock"),
    runFile: join(root, "run.json"),
    childrenFile: join(root, "children.json"),
    prometheusTargetsFile: join(root, "prometheus-targets.json"),
    apiKeyFile: join(root, "api-key"),
    webhookKeyFile: join(root, "webhook-secret-key"),
    realityFile: join(root, "reality.json"),
    xrayConfigFile: join(root, "xray", "config.json"),
    redis: join(root, "redis"),
    mongodb: join(root, "mongodb"),
    logOf: (child) => join(root, "logs", `${child}.log`),
  };
}

/** Not `recursive: true`: under /proc and the like that never comes back. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    const parent = dirname(path);
    if (code !== "ENOENT" || (await isThere(parent))) throw error;
    await makeDirectory(parent);
    await mkdir(path, { mode: 0o700 });
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
