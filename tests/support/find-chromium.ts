import { access, constants, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC_APP = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/** A Chromium of this machine: `CHROMIUM_PATH`, one on `PATH`, or one that Playwright installed; null without any. */
export async function findChromium(): Promise<string | null> {
  const onPath = (env["PATH"] ?? "").split(":").flatMap((folder) => names.map((name) => join(folder, name)));
  for (const path of [env["CHROMIUM_PATH"] ?? "", ...onPath, MAC_APP, ...(await ofPlaywright())]) {
    if (path !== "" && (await isExecutable(path))) return path;
  }
  return null;
}

async function ofPlaywright(): Promise<string[]> {
  const home = join(homedir(), ".cache/ms-playwright");
  const folders = await readdir(home).catch(() => []);
  return folders.filter((name) => name.startsWith("chromium-")).map((name) => join(home, name, "chrome-linux/chrome"));
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
