import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { env } from "node:process";
import { pythonWith } from "../support/python-with.ts";
import { type MakeClient, OPENAPI_FILE, repoRoot, step } from "./generated-client.ts";

const programs = join(repoRoot, "tests/clients/published");

/** The package of `clients/typescript`, built, packed, and installed for a bot. */
export const makePublishedTypescriptClient: MakeClient = async () => {
  const { client, bot } = await freshFolders("typescript");
  await npm(client, "install");
  await npm(client, "pack", "--pack-destination", bot);
  await writeFile(join(bot, "package.json"), JSON.stringify({ type: "module", private: true }));
  await npm(bot, "install", await packageIn(bot, ".tgz"), "@types/node@20.19.43");
  const compiler = join(client, "node_modules/typescript/bin/tsc");
  const options = ["--strict", "--target", "es2023", "--module", "nodenext", "--types", "node"];
  await step(process.execPath, [compiler, ...options, "bot.ts"], { cwd: bot });
  return { command: process.execPath, args: [join(bot, "bot.js")] };
};

/** The package of `clients/python`, built as a wheel and installed for a bot. */
export const makePublishedPythonClient: MakeClient = async () => {
  const tools = await pythonWith("client-packaging", ["openapi-python-client==0.29.1", "build==1.6.1", "mypy==2.4.1"]);
  if (tools === null) return { missing: "python3 with venv" };
  const { client, bot } = await freshFolders("python");
  // The generator formats what it makes with the ruff of its own installation.
  const PATH = `${tools}${delimiter}${env["PATH"] ?? ""}`;
  await step("sh", [join(client, "generate.sh")], { env: { ...env, PATH } });
  await step(join(tools, "python"), ["-m", "build", "--outdir", bot, client]);
  const installed = await pythonWith("published-client", ["--force-reinstall", await packageIn(bot, ".whl")]);
  if (installed === null) throw new Error("a Python was there a moment ago");
  const interpreter = join(installed, "python");
  // The generator's own code is its own affair.
  const written = ["veil_xray_api", "veil_xray_api.client", "veil_xray_api.webhooks"].flatMap((name) => ["-m", name]);
  const options = ["--strict", "--follow-imports", "silent", "--python-executable", interpreter];
  await step(join(tools, "mypy"), [...options, ...written], { cwd: bot });
  return { command: interpreter, args: [join(bot, "bot.py")] };
};

/** A copy of a client, which finds the OpenAPI document where it is in the repository, and a folder for its bot. */
async function freshFolders(language: string): Promise<{ readonly client: string; readonly bot: string }> {
  const home = join(repoRoot, ".cache/published-clients", language);
  const [client, bot] = [join(home, "clients", language), join(home, "bot")];
  await rm(home, { recursive: true, force: true });
  await mkdir(join(home, "docs"), { recursive: true });
  await cp(OPENAPI_FILE, join(home, "docs/openapi.json"));
  await cp(join(repoRoot, "clients", language), client, { recursive: true });
  await cp(join(programs, language), bot, { recursive: true });
  return { client, bot };
}

async function packageIn(folder: string, extension: string): Promise<string> {
  const [found] = (await readdir(folder)).filter((name) => name.endsWith(extension));
  if (found === undefined) throw new Error(`${folder} has no ${extension}`);
  return join(folder, found);
}

async function npm(cwd: string, ...args: readonly string[]): Promise<void> {
  await step("npm", [...args, "--no-audit", "--no-fund"], { cwd });
}
