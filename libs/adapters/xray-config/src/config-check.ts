import { spawn } from "node:child_process";
import { ConfigRefusedError } from "./errors.ts";

/** Far above what Xray needs: 0.3 s for 5,000 clients, 2.5 s for 50,000. */
const CHECK_TIMEOUT_MS = 30_000;
const MOST_OUTPUT = 4_096;

/**
 * The check by which Xray itself checks a config: `xray run -test`. It opens no port, but the log files that the config
 * names.
 *
 * @throws {ConfigRefusedError} by the returned function, when Xray does not accept the file.
 */
export function configCheck(binary: string): (path: string) => Promise<void> {
  // The format is named because Xray goes by the file's ending, and a temporary file has none of those it knows.
  return async (path) => {
    const { code, output } = await run(binary, ["run", "-test", "-format", "json", "-config", path]);
    if (code !== 0) throw new ConfigRefusedError(code, withoutSecrets(output));
  };
}

function run(binary: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const { PATH, XRAY_LOCATION_ASSET } = process.env;
  const child = spawn(binary, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH, ...(XRAY_LOCATION_ASSET !== undefined && { XRAY_LOCATION_ASSET }) },
    timeout: CHECK_TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  let output = "";
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-MOST_OUTPUT);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, output: error.message }));
    child.once("close", (code) => resolve({ code, output }));
  });
}

/** Xray quotes a wrong value, and what is long and of such letters may be a key or a client's id. */
function withoutSecrets(output: string): string {
  const lastLine = output.trimEnd().split("\n").at(-1) ?? "";
  return lastLine.replace(/[\w+/=-]{16,}/g, "[…]");
}
