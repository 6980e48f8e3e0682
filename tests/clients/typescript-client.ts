import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freshCopy, type MakeClient, OPENAPI_FILE, repoRoot, step } from "./generated-client.ts";

/** The generator needs a TypeScript older than the project's. */
const GENERATOR = ["openapi-typescript@7.13.0", "typescript@5.9.3"];

/** openapi-typescript, with openapi-fetch. */
export const makeTypescriptClient: MakeClient = async () => {
  const home = await freshCopy("typescript");
  const tools = join(repoRoot, ".cache/openapi-typescript");
  await step("npm", ["install", "--prefix", tools, "--no-audit", "--no-fund", "--no-save", ...GENERATOR]);
  const generator = join(tools, "node_modules/openapi-typescript/bin/cli.js");
  await step(process.execPath, [generator, OPENAPI_FILE, "-o", join(home, "schema.d.ts")]);
  await writeFile(join(home, "package.json"), JSON.stringify({ type: "module", private: true }));
  const options = ["--strict", "--target", "es2023", "--module", "nodenext", "--types", "node", "--ignoreConfig"];
  const compiler = join(repoRoot, "node_modules/.bin/tsc");
  await step(compiler, [...options, "--outDir", home, join(home, "client.ts")], { cwd: repoRoot });
  return { command: process.execPath, args: [join(home, "client.js")] };
};
